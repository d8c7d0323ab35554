"""Training: augmentation, loss, loop."""
