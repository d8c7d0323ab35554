"""Synthetic copies of raw data sets, and of folders of flow maps, in their real layouts."""
