"""Regional motion of one face over a whole video, streaming: what spotting looks at.

Every frame is registered to a few anchors, earlier frames of the same face whose crop stays fixed
for about a second: landmark jitter never becomes motion. Anchors overlap and each starts from the
displacement found so far, so together they give one displacement over time that drifts slowly
instead of noise that adds up.

Departs from the classic recipe (SOFTNet, Liong et al. 2021: dense flow over a fixed lag, minus
the nose's): onset, apex and offset can be read off a displacement, not off a speed; the head's
motion is what most of the face agrees on, because the nose alone cannot tell turning from moving.
"""

import bisect
from array import array
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8

from hmrm.faces.align import apply, canonical_transform, compose, invert, similarity
from hmrm.faces.crops import IMAGE_WH_PX, Transform
from hmrm.flow.registration import (
    Grid,
    RegistrationConfig,
    Template,
    View,
    crop_correlation,
    crop_of,
    eye_change,
    own_and_head_motion,
    register,
)
from hmrm.spotting.disk_rows import DiskRows

_FACE_LOST = 0.5
_EYES_MOVED = 0.03
_LONGEST_BLINK_S = 0.35
_STILL = np.array([[1.0, 0, 0], [0, 1, 0]])


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """How regional motion is measured.

    Attributes:
        anchor_every_s: a new anchor is taken this often.
        anchor_life_s: each serves this long.
        longest_gap_s: after a longer gap between frames nothing is carried over.
        registration: see ``RegistrationConfig``.
    """

    anchor_every_s: float = 0.75
    anchor_life_s: float = 1.5
    longest_gap_s: float = 0.25
    registration: RegistrationConfig = field(default_factory=RegistrationConfig)


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionSignal:
    """What one face did, one row per frame that was measured.

    Attributes:
        regions: names, the columns of ``motion_px``.
        index: zero-based frames, increasing.
        time_s: their times.
        motion_px: displacement (x right, y down) of each region against the head, px of the
            canonical crop (224 wide); zero is wherever the segment began. On disk if there are
            many rows.
        eye_change: 0 (eyes look as shortly before) to 2; blinks and gaze shifts stand out.
        segment: rows of one number belong together; nothing may be read across a change.
    """

    regions: tuple[str, ...]
    index: Int[np.ndarray, " t"]
    time_s: Float[np.ndarray, " t"]
    motion_px: "Float[np.ndarray, 't r 2'] | DiskRows"
    eye_change: Float[np.ndarray, " t"]
    segment: Int[np.ndarray, " t"]


@dataclass(kw_only=True)
class _Anchor:
    template: Template
    to_frame: Transform
    start: Float[np.ndarray, "r 2"]
    time_s: float
    eyes_at_rest: bool
    eyes_changed: float = 0.0


class MotionMeter:
    """Measures one face frame by frame; memory holds live anchors and few numbers per frame."""

    def __init__(self, config: MotionConfig | None = None) -> None:
        self.config = config or MotionConfig()
        self._grid = Grid(self.config.registration)
        width_px, height_px = self.config.registration.size_wh_px
        self._corners = np.array(
            [[0, 0], [width_px, 0], [0, height_px], [width_px, height_px]], dtype=np.float64
        )
        self._anchors: list[_Anchor] = []
        self._points: Float[np.ndarray, "5 2"] | None = None
        self._step: Transform = _STILL
        self._segment = -1
        self._index, self._time_s, self._segments = array("q"), array("d"), array("q")
        self._eye_change = array("f")
        self._motion_px = DiskRows((len(self.regions), 2), np.float32)
        self._now = np.zeros((len(self.regions), 2))

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions measured."""
        return self._grid.regions

    def update(
        self,
        index: int,
        time_s: float,
        grey: UInt8[np.ndarray, "h w"],
        points_xy_px: Float[np.ndarray, "5 2"] | None,
        *,
        jump: bool = False,
    ) -> None:
        """Measure the next frame.

        Args:
            points_xy_px: the tracker's five points in this frame; None where it did not look: the
                face then is expected to go on as it last moved.
            jump: the face does not continue from the frame before (new, back, after a cut).
        """
        gap = bool(self._time_s) and time_s - self._time_s[-1] > self.config.longest_gap_s
        if jump or gap or not self._time_s:
            self._anchors, self._step = [], _STILL
        points = points_xy_px
        if points is None:
            assert self._points is not None, "the first frame comes with points"
            points = apply(self._step, self._points)
        to_frame = self._to_frame(points)
        view = View.around(grey, to_frame, self.config.registration)
        eye = 0.0
        if self._anchors and self._points is not None:
            eye = self._measure(view, points, to_frame, time_s)
            if points_xy_px is None:
                points = apply(self._step, self._points)
        at_rest = eye < _EYES_MOVED
        # A blink pulls at brows and cheeks: a template taken in it would show them displaced.
        wait_s = self.config.anchor_every_s + (0.0 if at_rest else _LONGEST_BLINK_S)
        due = time_s - wait_s + 1e-6
        if not self._anchors:
            self._segment += 1
            self._now = np.zeros_like(self._now)
            self._add_anchor(view, to_frame, time_s, eyes_at_rest=True)
        elif self._anchors[-1].time_s <= due:
            # The crop glides towards the landmarks, it never jumps to them.
            glide = 0.8 * self._anchors[-1].to_frame + 0.2 * to_frame
            self._add_anchor(view, glide, time_s, eyes_at_rest=at_rest)
        self._points = points
        self._index.append(index)
        self._time_s.append(time_s)
        self._segments.append(self._segment)
        self._eye_change.append(eye)
        self._motion_px.append(self._now)

    def forget(self, before: int) -> None:
        """Drop the rows of earlier frames."""
        rows = bisect.bisect_left(self._index, before)
        del self._index[:rows], self._time_s[:rows], self._segments[:rows]
        del self._eye_change[:rows]
        self._motion_px.forget(rows)

    def signal(self) -> MotionSignal:
        """All that was measured so far; it holds until the next update."""
        return MotionSignal(
            regions=self.regions,
            index=np.array(self._index, dtype=np.int64),
            time_s=np.array(self._time_s),
            motion_px=self._motion_px,
            eye_change=np.array(self._eye_change, dtype=np.float32),
            segment=np.array(self._segments, dtype=np.int32),
        )

    def _measure(
        self, view: View, points: Float[np.ndarray, "5 2"], landmarks: Transform, time_s: float
    ) -> float:
        """Bring ``_now`` up to date; drop anchors that are old or no longer look alike.

        Returns:
            How much the eyes have changed.
        """
        config = self.config
        assert self._points is not None
        head = similarity(self._points, points)
        crop_to_canonical = IMAGE_WH_PX[0] / config.registration.crop_width_px
        kept, total, weights = [], np.zeros_like(self._now), 0.0
        eyes: list[tuple[bool, float]] = []
        for anchor in reversed(self._anchors):
            newest = anchor is self._anchors[-1]
            guess = compose(head, anchor.to_frame)
            # The newest says how the head moved; the others follow, and what is left of the
            # head's motion is measured, and put right, with the face's own.
            found, crop = register(anchor.template, view, guess, steps=2 if newest else 0)
            if newest:
                head = compose(found, invert(anchor.to_frame))
            alike = crop_correlation(anchor.template, crop)
            if alike < _FACE_LOST or not self._near(found, landmarks):
                continue
            own, drift = own_and_head_motion(anchor.template, crop)
            anchor.to_frame = found if newest else self._grid.moved(found, drift)
            age = time_s - anchor.time_s
            weight = max(1e-3, min(age, config.anchor_life_s - age))
            total += weight * (anchor.start + own * crop_to_canonical)
            weights += weight
            change = eye_change(anchor.template, crop)
            anchor.eyes_changed = max(anchor.eyes_changed, change)
            # Eyes that have looked the same for longer than any blink moved to stay.
            if age > _LONGEST_BLINK_S and anchor.eyes_changed < _EYES_MOVED:
                anchor.eyes_at_rest = True
            eyes.append((not anchor.eyes_at_rest, change))
            if age < config.anchor_life_s:
                kept.append(anchor)
        self._anchors = kept[::-1]
        if weights:
            self._now = total / weights
        self._step = head
        # Against an anchor taken during a blink, closed eyes have not changed.
        eye = min((change for moving, change in eyes if not moving), default=None)
        if eye is None:
            eye = min((change for _, change in eyes), default=2.0)
        return eye

    def _near(self, to_frame: Transform, landmarks: Transform) -> bool:
        """Whether registration and landmarks still speak of the same place."""
        apart = np.linalg.norm(apply(to_frame - landmarks, self._corners), axis=1)
        width = float(np.hypot(*landmarks[:, 0])) * self._corners[:, 0].max()
        return bool(apart.max() < 0.25 * width)

    def _to_frame(self, points: Float[np.ndarray, "5 2"]) -> Transform:
        return invert(canonical_transform(points, self.config.registration.size_wh_px))

    def _add_anchor(
        self, view: View, to_frame: Transform, time_s: float, *, eyes_at_rest: bool
    ) -> None:
        crop = crop_of(view, to_frame, self.config.registration)
        self._anchors.append(
            _Anchor(
                template=Template(crop, self._grid),
                to_frame=to_frame,
                start=self._now.copy(),
                time_s=time_s,
                eyes_at_rest=eyes_at_rest,
            )
        )
