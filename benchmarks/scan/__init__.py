"""Speed and memory of the selective scan beside other ways to compute it."""
