"""Speed and memory of the selective scan and of other ways to compute it."""
