"""The self-test: faults planted in programs that must be found, and clean pairs that must stay silent."""
