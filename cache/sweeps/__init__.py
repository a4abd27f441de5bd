"""Sweeps: many settings of a recipe and a release, measured wave by wave, in turn."""
