"""Comparing: where two sides part, and whether rounding explains it. Reads records, no framework."""
