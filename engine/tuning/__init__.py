"""Learning rate, clip and batch of DP-SGD for each noise level, tuned on public records only."""
