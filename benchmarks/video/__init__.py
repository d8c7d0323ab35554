"""Speed and memory of the whole chain on video."""
