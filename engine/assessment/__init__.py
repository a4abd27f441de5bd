"""Utility and leakage of a cohort, each number with its interval."""
