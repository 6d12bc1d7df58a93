"""The spec: what a user writes, read with line numbers, resolved so that nothing is left unsaid, and compared."""
