"""Lockstep seen from the parent: who is looked at twice, who is asked to settle, what free runs say."""
