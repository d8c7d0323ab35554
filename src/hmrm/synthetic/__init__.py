"""Images, clips, flow pairs, flow maps and data sets that nobody filmed."""
