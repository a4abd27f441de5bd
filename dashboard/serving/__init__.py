"""The process that answers browsers."""
