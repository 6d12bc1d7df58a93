"""The self-test: faults that must be found, clean pairs that must stay silent, programs that must be judged right."""

SUITES = ("planted", "clean", "programs")
"""Faults planted in compiled programs; pairs of compiled programs; programs of one's own."""
