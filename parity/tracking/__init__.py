"""A result as other tools keep runs: one file each, written by that tool's own library.

A tracker is found by being there: a module of this package, called as the tool and the extra that installs it, with
``NEEDS`` (what it imports), ``OPEN`` (how to look at what was written) and ``write``. What is written is said once, in
:mod:`parity.tracking.told_runs`.
"""
