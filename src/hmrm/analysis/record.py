"""The record of one analysed video, and what its holder does with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmrm.clip import (
    OWN_CLOCK,
    Event,
    EventImages,
    FaceFrame,
    FaceView,
    MediaClock,
    Notice,
    RejectedCandidate,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmrm.analysis.export.tables import Table


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """All that was found in one video, with its origin.

    Attributes:
        source: name of the file or folder.
        duration_s, frames_per_s: measured over the frames that were decoded; 0 for still images.
        size_wh_px: of an upright frame.
        events: by onset, then face.
        frames: every face in every frame; empty where nothing was spotted.
        images: those of ``events[i]`` at place i; None where none were kept.
        faces: one view of every face that was followed; not kept in files.
        rejected: candidates that are no expression, by onset.
        notices: what a reader of the result must know.
        provenance: the stamp of ``provenance.py``, the classifier's weights and the settings.
        clock: how a player's clock runs next to the times here.

    Example:
        >>> from hmrm import Analysis, Event
        >>> smile = Event(
        ...     face_id=0, onset_index=10, apex_index=16, offset_index=20,
        ...     onset_s=0.4, apex_s=0.64, offset_s=0.8,
        ...     region="left_mouth_corner", peak_motion_px=0.9, salience=0.8, label="positive",
        ... )
        >>> found = Analysis(
        ...     source="clip.mp4", frame_count=50, duration_s=2.0, frames_per_s=25.0,
        ...     size_wh_px=(640, 480), events=(smile,), frames=(), images=(None,), notices=(),
        ...     provenance={"hmrm": "0.1.0"},
        ... )
        >>> table = found.events_table()  # pandas.DataFrame(table) takes it as it is
        >>> table["onset_frame"].tolist(), table["onset_s"].tolist(), table["class"].tolist()
        ([10], [0.4], ['positive'])
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path] = found.export(Path(folder) / "clip.vtt", "webvtt")
        ...     print(path.read_text().splitlines()[0])
        WEBVTT - hmrm: movements of clip.mp4
    """

    source: str
    frame_count: int
    duration_s: float
    frames_per_s: float
    size_wh_px: tuple[int, int]
    events: tuple[Event, ...]
    frames: Sequence[FaceFrame]
    images: Sequence[EventImages | None]
    notices: tuple[Notice, ...]
    provenance: Mapping[str, Any]
    clock: MediaClock = OWN_CLOCK
    faces: tuple[FaceView, ...] = ()
    rejected: tuple[RejectedCandidate, ...] = ()

    def events_table(self) -> "Table":
        """One row per event: column → array, which ``pandas.DataFrame`` takes as it is.

        Frames are zero-based and both ends count; times are s from the first frame; what is
        unknown is NaN or None.
        """
        from hmrm.analysis.export.tables import events_table

        return events_table(self)

    def frames_table(self) -> "Table":
        """One row per face and frame: column → array, which ``pandas.DataFrame`` takes as it is.

        ``frame`` is zero-based, ``time_s`` in s from the first frame; boxes and points in px of
        the frame; ``motion_<region>`` in px of the canonical crop, NaN where it was not measured.
        """
        from hmrm.analysis.export.tables import frames_table

        return frames_table(self)

    def plot(self) -> "Figure":
        """A matplotlib figure: motion of each face over time, its events shaded.

        Gaps are where nothing was measured. ``figure.savefig("motion.png")`` writes it.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from hmrm.analysis.export.plot import plot

        return plot(self)

    def export(self, path: str | Path, format: str) -> tuple[Path, ...]:  # noqa: A002
        """Write this analysis for another program; what was written comes back.

        Args:
            path: the file to write, for ``bids`` a folder. Sidecars lie next to it.
            format: a key of ``hmrm.analysis.export.formats.FORMATS``: ``elan``, ``textgrid``,
                ``webvtt``, ``boris``, ``bids``, ``openface``, ``json``, ``parquet``, ``summary``.
                An annotated video needs the video: ``hmrm.analysis.export.video.write_video``.

        Raises:
            InputError: an unknown format.
            OutputError: the file cannot be written.
            MissingExtraError: the format needs a package that is not installed.
        """
        from hmrm.analysis.export.formats import export

        return export(self, Path(path), format)
