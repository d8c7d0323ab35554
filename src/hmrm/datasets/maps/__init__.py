"""Folders of labelled flow maps, of others and of ours."""
