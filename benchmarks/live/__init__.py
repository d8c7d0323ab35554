"""Live analysis against that of the recorded video."""
