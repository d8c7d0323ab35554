"""From raw clips to flow maps: faces, apex, flow, one file per clip, resumable."""
