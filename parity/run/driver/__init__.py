"""What the drivers of all frameworks share; each stands in its framework's folder. They run inside worker processes."""
