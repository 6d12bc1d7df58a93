"""Drivers: one per framework, the only modules that import one. They run inside worker processes."""
