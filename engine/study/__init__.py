"""Recurrent against feed-forward: two architectures on the same masks, under the same defences."""
