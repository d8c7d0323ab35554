"""A whole training step of the network on each way to compute its blocks."""
