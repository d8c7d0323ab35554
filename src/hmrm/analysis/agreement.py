"""How far two coders of the same videos agree: per frame, per event, and on onsets.

The rules, which every result carries as `RULE`:

- *Per frame*: of every face and frame the class that a coder's event gives it, or none. Where two
  events of one coder overlap, the later one counts.
- *Per event*: events of both coders are matched one to one, those with the largest overlap first;
  the overlap (frames of both over frames of either) is at least one half. Each pair is one unit,
  each event without a partner another, for which the other coder's category is "no event". So is
  each movement that both were shown and both rejected: without these, chance agreement on "no
  event" could not be reckoned.
- *Krippendorff's α* is nominal, on the same units.
- *Onset and offset errors* are those of matched events, second coder minus first, in frames.
- Intervals: 95 %, percentile bootstrap over videos; none for fewer than two videos.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NO_EVENT = "no event"
UNCLASSIFIED = "not classified"

LEAST_OVERLAP = 0.5

RULE = (
    "Per frame: the class that a coder's event gives each face and frame, or none; of overlapping "
    "events of one coder the later counts. Per event: events are matched one to one, the largest "
    "overlap first, frames of both over frames of either being at least one half; an event without "
    "a partner counts as no event of the other coder, and so do, for both, movements that were "
    "shown and that both rejected. Onset and offset errors: matched events, second coder minus "
    "first. Intervals: 95 %, bootstrap over videos."
)


@dataclass(frozen=True, kw_only=True)
class CodedEvent:
    """One event as a coder left it; both frames count; "" is not classified."""

    face_id: int
    onset: int
    offset: int
    label: str = ""

    @property
    def category(self) -> str:
        """The class, or that there is none."""
        return self.label or UNCLASSIFIED


@dataclass(frozen=True, kw_only=True)
class CodedVideo:
    """One video as two coders left it.

    Attributes:
        video: its name or id.
        first, second: events that each coder kept.
        both_rejected: movements that were shown to both and that both rejected.
    """

    video: str
    frame_count: int
    first: tuple[CodedEvent, ...]
    second: tuple[CodedEvent, ...]
    both_rejected: int = 0


@dataclass(frozen=True, kw_only=True)
class Match:
    """A unit of the comparison: a pair of events, or one without a partner."""

    first: CodedEvent | None
    second: CodedEvent | None

    @property
    def is_agreed(self) -> bool:
        """Whether both coders have it, with the same class."""
        return (
            self.first is not None
            and self.second is not None
            and self.first.category == self.second.category
        )


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number with its interval; None where it is not defined.

    Attributes:
        units: what it was taken over.
        low, high: ends of the 95 % interval.
    """

    value: float | None
    units: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What two coders agree on; see the module for the rules.

    Attributes:
        frame_kappa, frame_alpha, event_kappa, event_alpha: at most 1; 0 is chance.
        event_f1: matched events over the mean number of events, classes aside.
        onset_error, offset_error: mean of the absolute errors, frames.
        onset_bias: mean of the signed errors, frames.
    """

    videos: int
    frame_kappa: Measure
    frame_alpha: Measure
    event_kappa: Measure
    event_alpha: Measure
    event_f1: Measure
    onset_error: Measure
    onset_bias: Measure
    offset_error: Measure
    rule: str = RULE


Pairs = Counter[tuple[str, str]]
"""Categories that the first and the second coder gave → units."""


@dataclass(frozen=True, kw_only=True)
class _Counts:
    """All that a video adds to any measure."""

    frames: Pairs
    events: Pairs
    matched: int
    single: int
    onsets: tuple[int, ...]
    offsets: tuple[int, ...]


def matches(first: Sequence[CodedEvent], second: Sequence[CodedEvent]) -> list[Match]:
    """Events of two coders matched one to one, then those without a partner.

    Example:
        >>> from hmrm.analysis.agreement import CodedEvent, matches
        >>> early, late = (CodedEvent(face_id=0, onset=n, offset=n + 9) for n in (10, 40))
        >>> shifted = CodedEvent(face_id=0, onset=12, offset=19)
        >>> found = matches([early], [shifted, late])
        >>> [(m.first.onset if m.first else None, m.second.onset) for m in found]
        [(10, 12), (None, 40)]
    """
    pairs = [
        (overlap(a, b), i, j)
        for i, a in enumerate(first)
        for j, b in enumerate(second)
        if overlap(a, b) >= LEAST_OVERLAP
    ]
    pairs.sort(key=lambda one: (-one[0], one[1], one[2]))
    of_first: dict[int, int] = {}
    of_second: dict[int, int] = {}
    for _, i, j in pairs:
        if i not in of_first and j not in of_second:
            of_first[i], of_second[j] = j, i
    found = [Match(first=first[i], second=second[j]) for i, j in sorted(of_first.items())]
    found += [Match(first=a, second=None) for i, a in enumerate(first) if i not in of_first]
    found += [Match(first=None, second=b) for j, b in enumerate(second) if j not in of_second]
    return found


def overlap(a: CodedEvent, b: CodedEvent) -> float:
    """Frames of both over frames of either, 0 to 1; 0 for different faces."""
    if a.face_id != b.face_id:
        return 0.0
    common = min(a.offset, b.offset) - max(a.onset, b.onset) + 1
    either = max(a.offset, b.offset) - min(a.onset, b.onset) + 1
    return max(common, 0) / either


def kappa(pairs: Pairs) -> float | None:
    """Cohen's κ; None where chance alone gives full agreement, or nothing was coded."""
    total = pairs.total()
    if not total:
        return None
    first, second = Counter[str](), Counter[str]()
    for (a, b), count in pairs.items():
        first[a] += count
        second[b] += count
    agreed = sum(count for (a, b), count in pairs.items() if a == b) / total
    chance = sum(first[name] * second[name] for name in first) / total**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def alpha(pairs: Pairs) -> float | None:
    """Krippendorff's α for nominal categories and two coders; None as `kappa`."""
    values = Counter[str]()
    for (a, b), count in pairs.items():
        values[a] += count
        values[b] += count
    total = values.total()
    if total < 2:
        return None
    observed = 2 * sum(count for (a, b), count in pairs.items() if a != b) / total
    expected = (total**2 - sum(count**2 for count in values.values())) / (total * (total - 1))
    return None if expected == 0 else 1 - observed / expected


def agreement(videos: Sequence[CodedVideo], *, resamples: int = 1000, seed: int = 0) -> Agreement:
    """Compare two coders over some videos.

    Args:
        resamples: of the bootstrap over videos.
        seed: of its generator: the same codings give the same intervals.
    """
    counts = [_counts(video) for video in videos]
    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, len(counts), (resamples, len(counts))) if counts else None

    def measure(value: Callable[[Sequence[_Counts]], float | None], units: int) -> Measure:
        point = value(counts)
        if point is None or chosen is None or len(counts) < 2:
            return Measure(value=point, units=units)
        sampled = [value([counts[i] for i in row]) for row in chosen.tolist()]
        known = [one for one in sampled if one is not None]
        low, high = np.percentile(known, [2.5, 97.5]).tolist() if known else (None, None)
        return Measure(value=point, units=units, low=low, high=high)

    frames = sum(one.frames.total() for one in counts)
    events = sum(one.events.total() for one in counts)
    matched = sum(one.matched for one in counts)
    single = sum(one.single for one in counts)
    return Agreement(
        videos=len(videos),
        frame_kappa=measure(lambda some: kappa(_frames(some)), frames),
        frame_alpha=measure(lambda some: alpha(_frames(some)), frames),
        event_kappa=measure(lambda some: kappa(_events(some)), events),
        event_alpha=measure(lambda some: alpha(_events(some)), events),
        event_f1=measure(_f1, matched + single),
        onset_error=measure(lambda some: _mean([abs(e) for c in some for e in c.onsets]), matched),
        onset_bias=measure(lambda some: _mean([e for c in some for e in c.onsets]), matched),
        offset_error=measure(
            lambda some: _mean([abs(e) for c in some for e in c.offsets]), matched
        ),
    )


def _counts(video: CodedVideo) -> _Counts:
    found = matches(video.first, video.second)
    events = Pairs(
        (
            match.first.category if match.first else NO_EVENT,
            match.second.category if match.second else NO_EVENT,
        )
        for match in found
    )
    if video.both_rejected:
        events[NO_EVENT, NO_EVENT] += video.both_rejected
    both = [(m.first, m.second) for m in found if m.first is not None and m.second is not None]
    return _Counts(
        frames=_frame_pairs(video),
        events=events,
        matched=len(both),
        single=len(found) - len(both),
        onsets=tuple(b.onset - a.onset for a, b in both),
        offsets=tuple(b.offset - a.offset for a, b in both),
    )


def _frame_pairs(video: CodedVideo) -> Pairs:
    faces = {event.face_id for event in (*video.first, *video.second)} or {0}
    pairs = Pairs()
    for face in sorted(faces):
        codes: dict[str, int] = {NO_EVENT: 0}
        lanes = [
            _lane(side, face, video.frame_count, codes) for side in (video.first, video.second)
        ]
        names = list(codes)
        together, counts = np.unique(np.stack(lanes, axis=1), axis=0, return_counts=True)
        for (a, b), count in zip(together.tolist(), counts.tolist(), strict=True):
            pairs[names[a], names[b]] += count
    return pairs


def _lane(
    events: Sequence[CodedEvent], face: int, frame_count: int, codes: dict[str, int]
) -> np.ndarray:
    """The code of every frame of one face; new categories get the next code."""
    lane = np.zeros(frame_count, dtype=np.int64)
    for event in sorted(events, key=lambda one: (one.onset, one.offset)):
        if event.face_id == face:
            code = codes.setdefault(event.category, len(codes))
            lane[event.onset : event.offset + 1] = code
    return lane


def _frames(counts: Sequence[_Counts]) -> Pairs:
    return _sum([one.frames for one in counts])


def _events(counts: Sequence[_Counts]) -> Pairs:
    return _sum([one.events for one in counts])


def _sum(pairs: Sequence[Mapping[tuple[str, str], int]]) -> Pairs:
    total = Pairs()
    for one in pairs:
        total.update(one)
    return total


def _f1(counts: Sequence[_Counts]) -> float | None:
    matched = sum(one.matched for one in counts)
    events = 2 * matched + sum(one.single for one in counts)
    return 2 * matched / events if events else None


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
