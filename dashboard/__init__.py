"""The app: launcher, entry point, view state, pages, figures, words."""
