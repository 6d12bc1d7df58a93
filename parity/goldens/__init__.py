"""Goldens: what a side computed, kept in a file of known size that later runs are held against."""
