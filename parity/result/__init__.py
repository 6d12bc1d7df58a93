"""The contract: what result.json holds, and what fills it."""
