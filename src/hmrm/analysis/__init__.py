"""From a video to events: spotting, exports, report."""
