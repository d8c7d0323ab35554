"""A figure of one analysis: motion of each face over time, its events shaded."""

from typing import TYPE_CHECKING

import numpy as np

from hmrm.analysis.export.tiers import class_text
from hmrm.analysis.record import Analysis
from hmrm.analysis.report.timeline import class_colour
from hmrm.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN, _FACE_IN = 10.0, 2.4
_GAP = 2.5
"""Average distances between followed frames beyond which the curve breaks off."""


def plot(analysis: Analysis) -> "Figure":
    """The figure, one row per face.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "a figure needs matplotlib, which is not installed; run: pip install matplotlib"
        ) from error
    faces = {f.face_id for f in analysis.frames} | {e.face_id for e in analysis.events} or {0}
    figure = Figure(figsize=(_WIDTH_IN, _FACE_IN * len(faces)), layout="constrained")
    axes = figure.subplots(len(faces), sharex=True, squeeze=False)[:, 0]
    for face_id, one in zip(sorted(faces), axes, strict=True):
        _draw(one, analysis, face_id)
    axes[-1].set_xlabel("time, s from the first frame")
    return figure


def _draw(axes: "Axes", analysis: Analysis, face_id: int) -> None:
    followed = [f for f in analysis.frames if f.face_id == face_id and f.motion_px]
    times = np.array([frame.time_s for frame in followed])
    values = np.array([max(frame.motion_px.values()) for frame in followed])
    if len(times) > 1:
        gaps = np.flatnonzero(np.diff(times) > _GAP * np.median(np.diff(times))) + 1
        times, values = np.insert(times, gaps, np.nan), np.insert(values, gaps, np.nan)
    axes.plot(times, values, color="#222222", linewidth=0.8)
    for event in analysis.events:
        if event.face_id != face_id:
            continue
        colour = class_colour(event.label)
        axes.axvspan(event.onset_s, event.offset_s, color=colour, alpha=0.25, linewidth=0)
        axes.axvline(event.apex_s, color=colour, linewidth=1.2)
        axes.annotate(
            class_text(event).replace("$", r"\$"),
            (event.apex_s, 1.0),
            xycoords=("data", "axes fraction"),
            fontsize="x-small",
            rotation=30,
        )
    axes.set_ylabel("motion, px")
    axes.set_ylim(bottom=0)
    axes.set_title(f"face {face_id}", loc="left", fontsize="small")
    if analysis.duration_s > 0:
        axes.set_xlim(0, analysis.duration_s)
