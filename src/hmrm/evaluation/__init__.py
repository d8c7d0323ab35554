"""The honest protocol: folds, metrics, statistics, reports."""
