"""Flow files, pairs of images on disk, and the public flow data sets."""
