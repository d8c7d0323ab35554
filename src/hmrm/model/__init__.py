"""The HMRM network, one box of the paper one file, and its baselines."""
