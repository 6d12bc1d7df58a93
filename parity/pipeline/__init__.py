"""The main job, end to end: resolve, compile, run, compare, explain, report."""
