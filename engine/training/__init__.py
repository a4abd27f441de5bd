"""The one training loop: batches, optimizers, DP-SGD and its accounting."""
