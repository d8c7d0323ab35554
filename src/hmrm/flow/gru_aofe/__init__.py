"""GRU-AOFE, the paper's optical-flow network, and its estimator."""
