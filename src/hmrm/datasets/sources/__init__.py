"""One file per data set: how its authors ship it."""
