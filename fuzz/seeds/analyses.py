"""What ``hmrm analyze`` writes of a video, as ``hmrm export`` reads it."""

import json
from pathlib import Path

_EVENT = {
    "face_id": 0,
    "onset_frame": 1,
    "apex_frame": 3,
    "offset_frame": 5,
    "onset_s": 0.04,
    "apex_s": 0.12,
    "offset_s": 0.2,
    "duration_s": 0.16,
    "class": "positive",
    "probabilities": {"negative": 0.25, "positive": 0.75},
    "decisive_region": "mouth",
    "region": "left_mouth_corner",
    "peak_motion_px": 0.75,
    "salience": 0.5,
    "flags": ["near_cut"],
}


def results(folder: Path, kit: Path) -> None:
    """Two events that overlap, and the table of frames."""
    del kit
    folder = folder / "results"
    folder.mkdir(parents=True)
    content = {
        "schema": "2",
        "source": "clip.mp4",
        "frame_count": 8,
        "duration_s": 0.32,
        "frames_per_s": 25.0,
        "size_wh_px": [64, 48],
        "player_clock": {"first_frame_s": 0.0, "rate": 1.0},
        "events": [_EVENT, _EVENT | {"class": None, "peak_motion_px": None, "flags": []}],
        "notices": [{"code": "unclassified", "message": "not classified"}],
        "provenance": {"hmrm": "0", "config_hash": "c", "data_hash": "d"},
    }
    (folder / "analysis.json").write_text(json.dumps(content, indent=2))
    head = (
        "frame_index,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,motion_chin"
    )
    rows = [f"{i},0,{i / 25},0.9,1,10.0,12.0,30.0,40.0,{i / 8}" for i in range(8)]
    (folder / "frames.csv").write_text("\n".join([head, *rows]) + "\n")
