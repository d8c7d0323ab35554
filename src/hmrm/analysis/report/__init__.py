"""The report of one video, and the index of several: pages that load nothing from elsewhere."""
