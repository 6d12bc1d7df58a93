"""Explaining: which config difference decides the outcome, by counterfactual runs."""
