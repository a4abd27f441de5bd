"""Rate, clip and batch of DP-SGD for each noise level, tuned on records that are public at population seed 0."""
