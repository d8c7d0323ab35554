"""Every image, clip, flow pair, flow map and data set that nobody filmed; nothing below imports it."""
