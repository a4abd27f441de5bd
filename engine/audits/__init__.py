"""ε from below, measured on a cohort, and what a proof allows any attack from above; NumPy and SciPy only."""
