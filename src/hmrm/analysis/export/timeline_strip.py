"""The strip below an annotated video: events of each face over time, and where the frame is."""

import cv2
import numpy as np

from hmrm.analysis.export import tiers
from hmrm.analysis.record import Analysis
from hmrm.analysis.report.timeline import class_colour
from hmrm.clip import Image

_TEXT_PX, _ROW_PX, _MARGIN_PX = 18, 14, 6
_MOST_ROWS = 8
_GROUND, _TRACK, _INK = 24, 60, (235, 235, 235)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class TimelineStrip:
    """Made once per width; only the cursor and the text change from frame to frame."""

    def __init__(self, analysis: Analysis) -> None:
        self._end_s = max(analysis.duration_s, 1e-3)
        self._tiers = tiers.tiers(analysis)[:_MOST_ROWS]
        self._entries = tiers.entries(analysis)
        self._ground: Image | None = None

    def at(self, index: int, time_s: float, width: int) -> Image:
        """The strip at a frame, RGB, as wide as the frame."""
        if self._ground is None or self._ground.shape[1] != width:
            self._ground = self._draw(width)
        strip = self._ground.copy()
        x = self._x(time_s, width)
        cv2.line(strip, (x, _TEXT_PX), (x, strip.shape[0]), _INK, 1)
        active = [
            f"{one.number}: {tiers.class_text(one.event)}"
            for one in self._entries
            if one.event.onset_index <= index <= one.event.offset_index
        ]
        text = "  ".join([f"frame {index}  {time_s:.3f} s", *active])
        # OpenCV's letters are those of ASCII.
        plain = text.encode("ascii", "replace").decode()
        cv2.putText(strip, plain, (_MARGIN_PX, 13), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
        return strip

    def _draw(self, width: int) -> Image:
        height = _TEXT_PX + _ROW_PX * len(self._tiers) + _MARGIN_PX
        strip = np.full((height, width, 3), _GROUND, np.uint8)
        for row, tier in enumerate(self._tiers):
            top = _TEXT_PX + row * _ROW_PX + 2
            bottom = top + _ROW_PX - 4
            left, right = _MARGIN_PX, width - _MARGIN_PX
            cv2.rectangle(strip, (left, top), (right, bottom), (_TRACK,) * 3, -1)
            for entry in tier.entries:
                event, colour = entry.event, _rgb(class_colour(entry.event.label))
                start, stop = self._x(event.onset_s, width), self._x(event.offset_s, width)
                cv2.rectangle(strip, (start, top), (max(stop, start + 1), bottom), colour, -1)
                apex = self._x(event.apex_s, width)
                cv2.line(strip, (apex, top), (apex, bottom), _INK, 1)
        return strip

    def _x(self, time_s: float, width: int) -> int:
        fraction = min(max(time_s / self._end_s, 0.0), 1.0)
        return _MARGIN_PX + round(fraction * max(width - 2 * _MARGIN_PX, 1))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
