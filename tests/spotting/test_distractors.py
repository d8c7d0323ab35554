"""What surrounds a movement decides whether it is an expression."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hmrm.spotting.distractors import DistractorConfig, reject_distractors
from hmrm.spotting.motion import MotionSignal
from hmrm.spotting.movements import LONG_VIDEO, Movement, find_movements

REGIONS = ("left_brow", "nose", "left_cheek", "left_mouth_corner", "chin")
RATE = 60.0


def still(seconds: float = 20.0, *, noise: float = 0.02) -> MotionSignal:
    rng = np.random.default_rng(0)
    time_s = np.arange(round(seconds * RATE)) / RATE
    return MotionSignal(
        regions=REGIONS,
        index=np.arange(len(time_s)),
        time_s=time_s,
        motion_px=rng.normal(0, noise, (len(time_s), len(REGIONS), 2)),
        head_px=np.zeros(len(time_s)),
        eye_change=np.full(len(time_s), 0.002),
        segment=np.zeros(len(time_s), dtype=np.int64),
    )


def moved(
    base: MotionSignal, spans: Sequence[tuple[float, float]], region: str, peak_px: float = 1.0
) -> MotionSignal:
    motion = base.motion_px.copy()
    for start, end in spans:
        phase = np.clip((base.time_s - start) / (end - start), 0, 1)
        motion[:, REGIONS.index(region), 1] += peak_px * np.sin(np.pi * phase) ** 2
    return replace(base, motion_px=motion)


def spotted(signal: MotionSignal, config: DistractorConfig | None = None) -> list[Movement]:
    return list(reject_distractors(find_movements(signal, LONG_VIDEO), signal, config).kept)


def reasons(signal: MotionSignal) -> set[str]:
    found = reject_distractors(find_movements(signal, LONG_VIDEO), signal)
    return {one.reason for one in found.rejected}


def syllables(count: int, gap_s: float = 0.2) -> list[tuple[float, float]]:
    return [(6.0 + i * (0.3 + gap_s), 6.3 + i * (0.3 + gap_s)) for i in range(count)]


def test_a_lone_movement_stays_and_a_row_of_them_is_speech() -> None:
    assert len(spotted(moved(still(), syllables(1), "chin"))) == 1
    assert len(spotted(moved(still(), syllables(2), "chin"))) == 2
    talk = moved(still(), syllables(6), "chin")
    assert len(find_movements(talk, LONG_VIDEO)) >= 5
    assert spotted(talk) == [] and reasons(talk) == {"speech"}
    assert len(spotted(talk, DistractorConfig(speech_count=0))) >= 5


def test_movements_far_apart_or_of_the_brows_are_no_speech() -> None:
    assert len(spotted(moved(still(), syllables(4, gap_s=1.5), "chin"))) == 4
    assert len(spotted(moved(still(), syllables(4), "left_brow"))) == 4


def test_an_expression_alongside_speech_stays() -> None:
    talk = moved(still(), syllables(6), "chin")
    (found,) = spotted(moved(talk, [(14.0, 14.4)], "left_mouth_corner"))
    assert found.region == "left_mouth_corner"


def test_a_brow_that_moves_with_the_lids_is_a_blink() -> None:
    base = still()
    # Too small a change for the spotter's own rule, and a little later than the brow.
    eyes = base.eye_change + 0.2 * np.exp(-(((base.time_s - 6.35) / 0.05) ** 2))
    base = replace(base, eye_change=eyes)
    lids = moved(base, [(6.0, 6.3)], "left_brow")
    assert spotted(lids) == [] and reasons(lids) == {"blink"}
    assert len(spotted(moved(base, [(6.0, 6.3)], "left_mouth_corner"))) == 1
    assert len(spotted(moved(base, [(6.0, 7.5)], "left_brow", 3.0))) == 1


def test_what_the_nose_takes_part_in_is_a_turn_of_the_head() -> None:
    smile = moved(still(), [(6.0, 6.3)], "left_mouth_corner")
    assert len(spotted(moved(smile, [(6.0, 6.3)], "nose", 0.3))) == 1
    turn = moved(smile, [(6.0, 6.3)], "nose", 0.8)
    assert spotted(turn) == [] and reasons(turn) == {"head_turn"}


def test_nothing_gives_nothing() -> None:
    found = reject_distractors([], still(1.0))
    assert (found.kept, found.rejected) == ((), ())


def test_macro_expressions_of_up_to_four_seconds_are_found_at_all_rates() -> None:
    for length_s in (1.0, 2.5, 3.8):
        signal = moved(still(40.0), [(15.0, 15.0 + length_s)], "left_mouth_corner", 3.0)
        for every in (1, 2):
            fewer = MotionSignal(
                regions=REGIONS,
                **{
                    name: getattr(signal, name)[::every]
                    for name in (
                        "index", "time_s", "motion_px", "head_px", "eye_change", "segment"
                    )
                },
            )  # fmt: skip
            found = spotted(fewer)
            times = [(fewer.time_s[m.onset], fewer.time_s[m.offset]) for m in found]
            inner = [min(b, 15 + length_s) - max(a, 15) for a, b in times]
            outer = [max(b, 15 + length_s) - min(a, 15) for a, b in times]
            assert max(i / o for i, o in zip(inner, outer, strict=True)) >= 0.5, (length_s, times)
