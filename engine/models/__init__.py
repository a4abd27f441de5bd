"""Stacked layers, M models in one tensor operation, and the architecture families built of them."""
