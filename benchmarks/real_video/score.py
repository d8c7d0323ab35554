"""Scores of found events against an annotated folder, and the direction of every event."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.real_video.annotation import Annotated, Folder
from hmrm.faces.mesh_points import REGIONS
from hmrm.spotting.face_events import FaceEvent
from hmrm.spotting.measures import FaceMeasures

LEAST_IOU = 0.5
Found = Mapping[str, Sequence[FaceEvent]]

# Eye distances: how much each wanders at rest (``PositionConfig.wander``).
_WANDER = np.array([0.024, 0.016, 0.006])
_BROWS = [i for i, name in enumerate(REGIONS) if "brow" in name]


@dataclass(frozen=True)
class Hit:
    """One found event and the annotation it meets."""

    event: FaceEvent
    truth: Annotated


@dataclass(frozen=True)
class Score:
    """How well events were found.

    Attributes:
        false: events that meet no sure annotation and do not lie half under an unsure one.
        on_empty: events in videos without expressions.
        backwards: events whose apex frame lies nearer to rest than their onset frame.
    """

    hits: tuple[Hit, ...]
    missed: tuple[Annotated, ...]
    false: tuple[tuple[str, FaceEvent], ...]
    on_empty: int
    backwards: tuple[tuple[str, FaceEvent], ...]
    empty_minutes: float

    def summary(self) -> dict[str, float]:
        """The numbers to look at."""
        sure = len(self.hits) + len(self.missed)
        wrong = len(self.false)
        precision = len(self.hits) / max(1, len(self.hits) + wrong)
        recall = len(self.hits) / max(1, sure)
        micro = [hit for hit in self.hits if hit.truth.kind == "micro"]
        onset = [abs(hit.event.onset_index - hit.truth.onset) for hit in self.hits]
        offset = [abs(hit.event.offset_index - hit.truth.offset) for hit in self.hits]
        return {
            "sure": sure,
            "found": len(self.hits),
            "micro_found": len(micro),
            "micro": len(micro) + sum(row.kind == "micro" for row in self.missed),
            "type_right": sum(hit.event.kind == hit.truth.kind for hit in self.hits),
            "false": wrong,
            "f1": 2 * precision * recall / max(1e-9, precision + recall),
            "on_empty": self.on_empty,
            "false_a_minute_without": self.on_empty / max(1e-9, self.empty_minutes),
            "onset_error_frames": statistics.median(onset) if onset else float("nan"),
            "offset_error_frames": statistics.median(offset) if offset else float("nan"),
            "backwards": len(self.backwards),
        }


def score(
    folder: Folder, found: Found, measures: Mapping[str, FaceMeasures], minutes: Mapping[str, float]
) -> Score:
    """Score the events of every video; matching is one to one, the best overlaps first."""
    sure = [row for row in folder.rows if row.sure]
    events = [(video, event) for video in folder.paths for event in found.get(video, ())]
    overlaps = sorted(
        (
            (overlap(event, row), i, j)
            for i, (video, event) in enumerate(events)
            for j, row in enumerate(sure)
            if row.video == video
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    of_event, of_row = dict[int, int](), set[int]()
    for value, i, j in overlaps:
        if value >= LEAST_IOU and i not in of_event and j not in of_row:
            of_event[i] = j
            of_row.add(j)
    false = [
        pair for i, pair in enumerate(events) if i not in of_event and not _unsure(folder, *pair)
    ]
    backwards = [
        (video, event)
        for video, event in events
        if video in measures and _is_backwards(folder, video, event, measures[video])
    ]
    return Score(
        hits=tuple(Hit(events[i][1], sure[j]) for i, j in sorted(of_event.items())),
        missed=tuple(row for j, row in enumerate(sure) if j not in of_row),
        false=tuple(false),
        on_empty=sum(video in folder.empty for video, _ in events),
        backwards=tuple(backwards),
        empty_minutes=sum(minutes.get(video, 0.0) for video in folder.empty),
    )


def overlap(event: FaceEvent, row: Annotated) -> float:
    """Intersection over union of two spans of frames, both ends inclusive."""
    inner = min(event.offset_index, row.offset) - max(event.onset_index, row.onset) + 1
    union = event.offset_index - event.onset_index + row.offset - row.onset + 2 - inner
    return max(0, inner) / union


def _unsure(folder: Folder, video: str, event: FaceEvent) -> bool:
    """Whether at least half of an event lies under annotations that count neither way."""
    grey: set[int] = set()
    for row in folder.rows:
        if row.video == video and not row.sure:
            grey |= set(range(row.onset, row.offset + 1))
    span = range(event.onset_index, event.offset_index + 1)
    return sum(frame in grey for frame in span) >= 0.5 * len(span)


def _is_backwards(folder: Folder, video: str, event: FaceEvent, measures: FaceMeasures) -> bool:
    """Mouth width, opening and brow height against the median of the annotated rest frames."""
    appearances = np.stack(
        [
            measures.mouth_width,
            measures.mouth_opening,
            np.asarray(measures.place)[:, _BROWS, 1].mean(axis=1),
        ],
        axis=1,
    )
    rest = np.isin(measures.index, folder.at_rest(video, int(measures.index[-1]) + 1))
    if not rest.any():
        return False
    far = np.linalg.norm((appearances - np.median(appearances[rest], axis=0)) / _WANDER, axis=1)
    onset, apex = np.searchsorted(measures.index, [event.onset_index, event.apex_index])
    return bool(far[min(apex, len(far) - 1)] < far[min(onset, len(far) - 1)])
