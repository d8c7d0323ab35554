"""OpenFace-style CSV: a row per face and frame, ``frame`` from 1 as OpenFace counts.

``frame_index`` next to it counts from 0; ``events`` has the numbers of the movements under way.
An onset, apex or offset at which the face was not followed has a row with ``success`` 0.
"""

import bisect
from pathlib import Path

import numpy as np

from hmrm import atomic
from hmrm.analysis.export.sidecar import write_sidecar
from hmrm.analysis.export.tables import Table, as_table, csv_text, frame_columns
from hmrm.analysis.record import Analysis
from hmrm.clip import FaceFrame


def write(path: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write the table and a sidecar that describes its columns.

    Raises:
        OutputError: a file cannot be written.
    """
    table = openface_table(analysis)
    atomic.write_text(path, csv_text(table))
    return path, write_sidecar(path.with_suffix(".json"), [analysis], table)


def openface_table(analysis: Analysis) -> Table:
    """The frames under OpenFace's names; sorted by frame, then face."""
    frames = sorted([*analysis.frames, *_unseen(analysis)], key=lambda f: (f.index, f.face_id))
    table = as_table(frame_columns(frames), frames)
    places: dict[int, list[tuple[int, int]]] = {}
    for place, frame in enumerate(frames):
        places.setdefault(frame.face_id, []).append((frame.index, place))
    active: list[list[str]] = [[] for _ in frames]
    for number, event in enumerate(analysis.events, 1):
        of_face = places[event.face_id]
        first = bisect.bisect_left(of_face, (event.onset_index, -1))
        last = bisect.bisect_left(of_face, (event.offset_index + 1, -1))
        for _, place in of_face[first:last]:
            active[place].append(str(number))
    events = np.array([";".join(numbers) for numbers in active], dtype=object)
    return {"frame": table["frame_index"] + 1, **table, "events": events}


def _unseen(analysis: Analysis) -> list[FaceFrame]:
    """Onsets, apexes and offsets at which the face was not followed."""
    seen = {(frame.index, frame.face_id) for frame in analysis.frames}
    unseen = {}
    for event in analysis.events:
        for index, time_s in (
            (event.onset_index, event.onset_s),
            (event.apex_index, event.apex_s),
            (event.offset_index, event.offset_s),
        ):
            if (index, event.face_id) not in seen:
                unseen[index, event.face_id] = FaceFrame(
                    index=index,
                    time_s=time_s,
                    face_id=event.face_id,
                    box_xyxy_px=None,
                    detection_confidence=0.0,
                    success=False,
                )
    return list(unseen.values())
