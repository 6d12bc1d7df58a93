"""What was found, as a reader meets it: terminal, Markdown, one HTML page; all drawn from ``result.json`` alone."""
