"""Remembers what the engine computed and runs what it has not."""
