"""The frameworks: a folder each."""
