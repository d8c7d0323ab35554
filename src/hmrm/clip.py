"""The frozen records that every stage hands on to the next.

Conventions: points are ``(x, y)`` in px; flow channels are ``(u right, v down)`` in px from onset
to apex; ``*_index`` is a zero-based position in the clip, ``*_s`` a time in seconds; images are
``(h, w)`` grey or ``(h, w, 3)`` RGB, uint8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from hmrm.errors import DataError

Image = UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"]

CLASSES = ("negative", "positive", "surprise")
"""Class names in label order (MEGC 2019): 0 negative, 1 positive, 2 surprise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One decoded frame: zero-based index, presentation time in s from the first frame, pixels."""

    index: int
    time_s: float
    image: Image


@dataclass(frozen=True, kw_only=True)
class ClipId:
    """Whose clip it is and from which data set: ``dataset/subject/clip``, taken apart once.

    Example:
        >>> import hmrm
        >>> clip = hmrm.ClipId.parse("casme2/sub01/EP02_01f")
        >>> clip.dataset, clip.subject, clip.clip
        ('casme2', 'casme2/sub01', 'EP02_01f')
        >>> str(clip)
        'casme2/sub01/EP02_01f'

    Attributes:
        dataset: name of the data set.
        subject_name: the subject as its data set names it, e.g. ``sub01``.
        clip: name of the clip, unique for its subject.
    """

    dataset: str
    subject_name: str
    clip: str

    @classmethod
    def parse(cls, text: str) -> "ClipId":
        """The id that ``text`` writes.

        Raises:
            DataError: not three parts with a slash between, or one of them empty.
        """
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise DataError(
                f"clip id {text!r} is not dataset/subject/clip; write e.g. casme2/sub01/EP02_01f"
            )
        return cls(dataset=parts[0], subject_name=parts[1], clip=parts[2])

    @property
    def subject(self) -> str:
        """``dataset/subject``: two data sets never share a subject."""
        return f"{self.dataset}/{self.subject_name}"

    def __str__(self) -> str:
        return f"{self.subject}/{self.clip}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """Onset and apex image of one movement, in the same crop, same size."""

    onset: Image
    apex: Image
    onset_index: int = 0
    apex_index: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowMap:
    """What a recognition network sees: ``(3, s, s)`` u, v and strain, centred and scaled.

    ``crop`` names the face crop the map was taken in (``faces/align.py``), ``scale_px`` is the
    number of px (canonical crop) that one unit of u and v stands for; NaN where an external map
    does not state it.
    """

    values: Float[np.ndarray, "3 s s"]
    crop: str
    scale_px: float


@dataclass(frozen=True, kw_only=True)
class LikelyUnit:
    """An action unit that would move the skin as it moved.

    Attributes:
        number: FACS number.
        side: of the image: left, right or both.
        px: largest displacement it causes, px of the canonical crop.
    """

    number: int
    side: Literal["both", "left", "right"]
    px: float


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """The class that a movement would have without the motion of one region."""

    region: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """Why a movement has its class.

    Attributes:
        regions: fine region → how much the lead of the class shrinks without its motion (logits,
            below 0 where it grows), most first; empty where the classifier does not tell.
        units: likely action units by the atlas, strongest first; read from the motion alone.
        sentence: both in words; "" where nothing is stated.
        counterfactual: of the first region that changes the class by itself; None where none does.
    """

    regions: Mapping[str, float] = field(default_factory=dict)
    units: tuple[LikelyUnit, ...] = ()
    sentence: str = ""
    counterfactual: Counterfactual | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One spotted movement of one face.

    Attributes:
        face_id: stable over the video, from 0.
        onset_index, apex_index, offset_index: zero-based frames.
        onset_s, apex_s, offset_s: presentation times in s.
        label: class name, "unclear: A or B" where two are about as probable, or None while nothing
            has classified it.
        probabilities: class name → probability, the network's own; empty while nothing has
            classified it.
        calibrated: the same, calibrated on other subjects; empty without a calibration.
        class_set: classes of which one is the true one in ``set_coverage`` of laboratory clips;
            empty without a calibration.
        set_coverage: 0 to 1; None without a calibration.
        unlike_training: whether its motion is unlike all training maps; None where not known.
        decisive_region: the part of the face that contributed most to the class, or None.
        region: the part of the face that stood highest.
        peak_motion_px: largest regional motion at the apex, px in the canonical crop; None where
            registration could not measure it.
        salience: 0 to 1, how far the peak stands above the face's own noise; NaN where a person
            added the event, which nothing measured.
        expression_probability: that it is an expression and no blink, word or noise, from its
            salience (`hmrm.spotting.probability`); None where nothing spotted it.
        flags: quality flags, e.g. ``low_frame_rate``, ``near_cut``.
        reasons: why it has its class; None where its motion was not kept.

    Example:
        >>> from hmrm import Event
        >>> smile = Event(
        ...     face_id=0, onset_index=120, apex_index=131, offset_index=150,
        ...     onset_s=1.2, apex_s=1.31, offset_s=1.5,
        ...     region="left_mouth_corner", peak_motion_px=0.9, salience=0.8,
        ...     flags=("near_cut",),
        ... )
        >>> f"{smile.region} for {smile.duration_s:.2f} s, {smile.label or 'not classified'}"
        'left_mouth_corner for 0.30 s, not classified'
    """

    face_id: int
    onset_index: int
    apex_index: int
    offset_index: int
    onset_s: float
    apex_s: float
    offset_s: float
    region: str
    peak_motion_px: float | None
    salience: float
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    decisive_region: str | None = None
    calibrated: Mapping[str, float] = field(default_factory=dict)
    class_set: tuple[str, ...] = ()
    set_coverage: float | None = None
    unlike_training: bool | None = None
    expression_probability: float | None = None
    flags: tuple[str, ...] = ()
    reasons: Reasons | None = None

    @property
    def duration_s(self) -> float:
        """Offset minus onset, s."""
        return self.offset_s - self.onset_s


@dataclass(frozen=True, kw_only=True)
class RejectedCandidate:
    """A movement of one face that was found and is taken for no expression.

    Attributes:
        face_id: whose, as in ``Event``.
        onset_index, apex_index, offset_index: zero-based frames.
        onset_s, apex_s, offset_s: presentation times in s.
        region: the part of the face that stood highest.
        salience: 0 to 1, ½ at the threshold of an event; below it what was too weak.
        reason: blink, covered, part_of_expression, return, speech, too_short, too_weak, turn or
            weak_at_end.
    """

    face_id: int
    onset_index: int
    apex_index: int
    offset_index: int
    onset_s: float
    apex_s: float
    offset_s: float
    region: str
    salience: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A warning a reader of the result must see: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Something a reader of the data should know but that does not stop the import."""

    code: str
    where: str
    message: str


@dataclass(frozen=True, kw_only=True)
class MediaClock:
    """How a player's clock runs next to ours, whose 0 is the first frame of the video.

    Attributes:
        first_frame_s: what a player shows at the first frame, s: above 0 where the video begins
            after the sound.
        rate: seconds of the player for one of ours; not 1 where the file's own frame rate was
            overridden, as of high-speed recordings that are stored slowed down.

    Example:
        >>> from hmrm.clip import MediaClock
        >>> MediaClock(first_frame_s=0.5, rate=8.0).player_s(0.25)
        2.5
    """

    first_frame_s: float = 0.0
    rate: float = 1.0

    def player_s(self, time_s: float) -> float:
        """What a player shows at one of our times."""
        return self.first_frame_s + time_s * self.rate


OWN_CLOCK = MediaClock()
"""That of a video whose player shows our times."""


@dataclass(frozen=True, kw_only=True)
class FaceFrame:
    """One face in one frame, as far as the analysis followed it.

    Attributes:
        index: zero-based frame, ``time_s`` its presentation time.
        points_xy_px: image-left eye, image-right eye, nose tip, image-left and image-right mouth
            corner; None where they were not kept.
        box_xyxy_px: extent of the face, px of the upright frame.
        motion_px: region → motion away from rest, px in the canonical crop, as far as measured.
        displacement: how far the face is from its neutral face, in thresholds: 1 is the least that
            counts as an expression; None where the mesh did not measure it.
    """

    index: int
    time_s: float
    face_id: int
    box_xyxy_px: tuple[float, float, float, float] | None
    detection_confidence: float
    success: bool
    motion_px: Mapping[str, float] = field(default_factory=dict)
    points_xy_px: tuple[tuple[float, float], ...] | None = None
    displacement: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class StripImage:
    """One frame of an event as a small crop of the face: zero-based frame, time in s, pixels."""

    index: int
    time_s: float
    image: Image


@dataclass(frozen=True, kw_only=True, eq=False)
class EventImages:
    """What a report shows of one event.

    Attributes:
        pair: onset and apex in one crop.
        flow: between them, px; None where no flow was computed, ``flow_map`` likewise.
        strip: frames from onset over apex to offset, each in its own crop.
    """

    pair: Pair
    flow: Float[np.ndarray, "2 h w"] | None
    flow_map: FlowMap | None
    strip: tuple[StripImage, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceView:
    """A followed face in one whole frame, so that a reader sees whose face it was.

    Attributes:
        index, time_s: the frame that is shown.
        image: the whole frame, made smaller.
        box_xyxy_px: the face in ``image``.
    """

    face_id: int
    index: int
    time_s: float
    image: Image
    box_xyxy_px: tuple[float, float, float, float]
