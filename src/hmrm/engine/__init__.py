"""Where a run's tasks are computed: processes of this machine, or workers of a cluster."""
