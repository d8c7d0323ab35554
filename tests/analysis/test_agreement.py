"""Agreement of two coders against a slow twin that follows the textbook, unit by unit."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.analysis.agreement import (
    NO_EVENT,
    CodedEvent,
    CodedVideo,
    agreement,
    alpha,
    kappa,
    matches,
    overlap,
)

FRAMES = 60


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, FRAMES - 1),
        st.integers(0, 20),
        st.sampled_from(["", "positive", "negative"]),
    ),
    max_size=5,
)
VIDEOS = st.lists(st.tuples(EVENTS, EVENTS, st.integers(0, 3)), min_size=1, max_size=3)

Plain = list[tuple[int, int, int, str]]


def events_of(plain: Plain) -> tuple[CodedEvent, ...]:
    return tuple(
        CodedEvent(face_id=face, onset=onset, offset=min(onset + more, FRAMES - 1), label=label)
        for face, onset, more, label in plain
    )


def category(event: CodedEvent | None) -> str:
    return NO_EVENT if event is None else event.label or "not classified"


def twin_frames(video: CodedVideo) -> list[tuple[str, str]]:
    faces = {event.face_id for event in video.first + video.second} or {0}
    units = []
    for face, frame in itertools.product(faces, range(FRAMES)):
        codes = []
        for side in (video.first, video.second):
            there = [e for e in side if e.face_id == face and e.onset <= frame <= e.offset]
            there.sort(key=lambda e: (e.onset, e.offset))
            codes.append(category(there[-1] if there else None))
        units.append((codes[0], codes[1]))
    return units


def twin_events(video: CodedVideo) -> list[tuple[CodedEvent | None, CodedEvent | None]]:
    left, right = list(video.first), list(video.second)
    units: list[tuple[CodedEvent | None, CodedEvent | None]] = []
    while True:
        best, chosen = 0.0, None
        for a in left:
            for b in right:
                frames_a = set(range(a.onset, a.offset + 1))
                frames_b = set(range(b.onset, b.offset + 1))
                common = len(frames_a & frames_b) / len(
                    set(range(min(frames_a | frames_b), max(frames_a | frames_b) + 1))
                )
                if a.face_id == b.face_id and common >= 0.5 and common > best:
                    best, chosen = common, (a, b)
        if chosen is None:
            break
        left = [a for a in left if a is not chosen[0]]
        right = [b for b in right if b is not chosen[1]]
        units.append(chosen)
    return [*units, *((a, None) for a in left), *((None, b) for b in right)]


def twin_kappa(units: list[tuple[str, str]]) -> float | None:
    if not units:
        return None
    names = {name for unit in units for name in unit}
    n = len(units)
    observed = sum(a == b for a, b in units) / n
    chance = sum(
        sum(a == name for a, _ in units) / n * (sum(b == name for _, b in units) / n)
        for name in names
    )
    return None if abs(chance - 1) < 1e-12 else (observed - chance) / (1 - chance)


def twin_alpha(units: list[tuple[str, str]]) -> float | None:
    """By the coincidence matrix."""
    values = [name for unit in units for name in unit]
    n = len(values)
    if n < 2:
        return None
    coincidences: dict[tuple[str, str], float] = {}
    for a, b in units:
        for pair in ((a, b), (b, a)):
            coincidences[pair] = coincidences.get(pair, 0) + 1
    observed = sum(v for (a, b), v in coincidences.items() if a != b) / n
    expected = sum(
        values.count(a) * values.count(b) for a in set(values) for b in set(values) if a != b
    )
    expected /= n * (n - 1)
    return None if expected == 0 else 1 - observed / expected


@given(VIDEOS)
def test_every_measure_equals_the_slow_twin(plain: list[tuple[Plain, Plain, int]]) -> None:
    coded = [
        CodedVideo(
            video=str(i),
            frame_count=FRAMES,
            first=events_of(first),
            second=events_of(second),
            both_rejected=rejected,
        )
        for i, (first, second, rejected) in enumerate(plain)
    ]
    found = agreement(coded, resamples=2)
    frames = [unit for video in coded for unit in twin_frames(video)]
    pairs = [pair for video in coded for pair in twin_events(video)]
    units = [(category(a), category(b)) for a, b in pairs]
    units += [(NO_EVENT, NO_EVENT)] * sum(video.both_rejected for video in coded)
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    onsets = [b.onset - a.onset for a, b in both]
    total = sum(len(video.first) + len(video.second) for video in coded)
    expected = {
        "frame_kappa": twin_kappa(frames),
        "frame_alpha": twin_alpha(frames),
        "event_kappa": twin_kappa(units),
        "event_alpha": twin_alpha(units),
        "event_f1": 2 * len(both) / total if total else None,
        "onset_error": float(np.mean(np.abs(onsets))) if onsets else None,
        "onset_bias": float(np.mean(onsets)) if onsets else None,
    }
    for name, value in expected.items():
        # 1e-9: sums of at most a few hundred terms in another order
        assert getattr(found, name).value == pytest.approx(value, abs=1e-9), name
    assert (found.frame_kappa.units, found.event_kappa.units) == (len(frames), len(units))


@given(EVENTS, EVENTS)
def test_matching_is_one_to_one_and_above_the_threshold(one: Plain, other: Plain) -> None:
    first, second = events_of(one), events_of(other)
    found = matches(first, second)
    assert sum(m.first is not None for m in found) == len(first)
    assert sum(m.second is not None for m in found) == len(second)
    for match in found:
        if match.first is not None and match.second is not None:
            assert overlap(match.first, match.second) >= 0.5


def test_published_examples() -> None:
    """κ reckoned by hand (.29 agreed, .35 by chance); α as in Krippendorff (2011), section B."""
    table = [[25, 13, 12], [12, 2, 16], [3, 15, 2]]
    cohen = Counter({(str(i), str(j)): n for i, row in enumerate(table) for j, n in enumerate(row)})
    assert kappa(cohen) == pytest.approx(-0.0923, abs=5e-5)
    binary = Counter({("0", "0"): 5, ("0", "1"): 3, ("1", "0"): 1, ("1", "1"): 1})
    assert alpha(binary) == pytest.approx(0.095, abs=5e-4)


def test_full_agreement_and_none() -> None:
    event = CodedEvent(face_id=0, onset=5, offset=9, label="positive")
    same = CodedVideo(video="a", frame_count=20, first=(event,), second=(event,), both_rejected=1)
    found = agreement([same, same], resamples=20)
    assert (found.frame_kappa.value, found.event_alpha.value, found.event_f1.value) == (1, 1, 1)
    assert (found.frame_kappa.low, found.frame_kappa.high) == (1, 1)
    empty = agreement([CodedVideo(video="a", frame_count=20, first=(), second=())])
    assert empty.frame_kappa.value is None and empty.onset_error.value is None
    assert agreement([]).videos == 0


def test_intervals_hold_the_value_and_need_two_videos() -> None:
    rng = np.random.default_rng(0)

    def video(name: str) -> CodedVideo:
        starts = np.arange(5, 295, 30)
        first = [
            CodedEvent(face_id=0, onset=int(s), offset=int(s) + 9, label="positive") for s in starts
        ]
        second = [
            CodedEvent(face_id=0, onset=e.onset + int(rng.integers(0, 4)), offset=e.offset + 3)
            for e in first
            if rng.random() < 0.7
        ]
        return CodedVideo(video=name, frame_count=300, first=tuple(first), second=tuple(second))

    found = agreement([video(str(i)) for i in range(6)], resamples=200)
    for one in (found.frame_kappa, found.event_f1, found.onset_error):
        assert one.low is not None and one.value is not None and one.high is not None
        assert one.low <= one.value <= one.high and one.low < one.high
    assert agreement([video("a")]).frame_kappa.low is None
