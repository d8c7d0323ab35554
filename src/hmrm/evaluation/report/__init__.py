"""The report over one or several runs: a page to attach to a paper, and the numbers behind it."""
