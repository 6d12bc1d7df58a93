"""Counterfactual runs: which are made, where, in what order, and what they come to."""
