"""A result as other tools keep runs: one file each, written by that tool's own library.

A tracker is found by being there: a module of this package with ``SERVES``, the name of the extra that installs it, and
``write``. What is written is said once, in :mod:`parity.tracking.told_runs`.
"""
