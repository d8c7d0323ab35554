"""What an analysis costs, part by part, in one run."""
