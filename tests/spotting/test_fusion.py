import numpy as np
from scripted import SMILE, course, face
from test_fine import BROWS, CORNERS, motion

from hmrm.spotting.fusion import find_events

RATE = 30.0


def weak(count, *spans):
    return sum((course(count, a, a + 4, b - 4, b) for a, b in spans), np.zeros(count))


def test_the_mesh_finds_the_coarse_and_registration_the_fine():
    count = 300
    coarse, fine = course(count, 60, 70, 110, 120), weak(count, (200, 212))
    measures = face(count, (SMILE, coarse))
    signal = motion(count, (CORNERS, 6.0, coarse), (CORNERS, 0.6, fine), rate=RATE)
    found = find_events(measures, signal)
    assert [(e.instrument, e.kind) for e in found.events] == [
        ("mesh", "macro"),
        ("registration", "micro"),
    ]
    first, second = found.events
    assert abs(first.onset_index - 60) <= 3
    assert abs(second.apex_index - 206) <= 3
    assert first.peak_px is None
    assert second.peak_px is not None
    assert find_events(measures, signal, fine=False).events[0].onset_index == first.onset_index
    assert len(find_events(measures, None).events) == 1


def test_the_flank_of_an_expression_is_not_found_twice():
    count = 300
    coarse = course(count, 60, 80, 110, 130)
    signal = motion(count, (CORNERS, 12.0, coarse), rate=RATE)
    found = find_events(face(count, (SMILE, coarse)), signal)
    assert len(found.events) == 1
    others = [r for r in found.rejected if r.instrument == "registration"]
    # Its last trace, below the threshold, may lie outside it.
    assert {r.reason for r in others if r.salience >= 1} <= {"part_of_expression"}
    assert {r.reason for r in others if r.salience < 1} <= {"part_of_expression", "too_weak"}


def test_a_turning_head_makes_no_fine_movement_and_the_reason_is_kept():
    count = 300
    turn = weak(count, (200, 214))
    pose = np.zeros((count, 3))
    pose[:, 1] = 9 * turn
    signal = motion(count, (CORNERS, 0.8, turn), rate=RATE)
    assert len(find_events(face(count), signal).events) == 1
    found = find_events(face(count, pose=pose), signal)
    assert found.events == ()
    assert [r.reason for r in found.rejected] == ["turn"]


def test_a_movement_towards_neutral_is_a_return():
    count = 400
    dip = weak(count, (200, 214))
    # A trace of a smile, below the mesh's threshold, is held and let go for a moment.
    trace = 0.2 * course(count, 170, 175, 240, 246) * (1 - dip)
    signal = motion(count, (CORNERS, 0.8, dip), rate=RATE)
    found = find_events(face(count, (SMILE, trace)), signal)
    assert found.events == ()
    reasons = {instrument: set() for instrument in ("mesh", "registration")}
    for one in found.rejected:
        reasons[one.instrument].add(one.reason)
    assert reasons == {"mesh": {"too_weak"}, "registration": {"return"}}


def test_small_movements_about_the_mouth_in_a_row_are_speech():
    count = 400
    spans = [(100, 108), (114, 122), (128, 136), (142, 150)]
    signal = motion(count, (CORNERS, 0.8, weak(count, *spans)), rate=RATE)
    found = find_events(face(count), signal)
    assert found.events == ()
    assert {r.reason for r in found.rejected} == {"speech"}
    apart = motion(count, (CORNERS, 0.8, weak(count, (100, 108), (250, 258))), rate=RATE)
    assert len(find_events(face(count), apart).events) == 2


def test_brows_that_rise_while_a_face_talks_softly_are_found_and_marked():
    count = 400
    spans = [(100, 108), (114, 122), (128, 136), (142, 150)]
    brows = (BROWS, 0.9, weak(count, (124, 136)))
    signal = motion(count, (CORNERS, 0.8, weak(count, *spans)), brows, rate=RATE)
    (one,) = find_events(face(count), signal).events
    assert "brow" in one.region
    assert one.flags == ("during_speech",)
    (silent,) = find_events(face(count), motion(count, brows, rate=RATE)).events
    assert silent.flags == ()


def test_events_are_in_order_and_numbered_as_the_video_is():
    count = 240
    measures = face(count, (SMILE, course(count, 60, 70, 110, 120)))
    later = type(measures)(**{**measures.__dict__, "index": measures.index + 1000})
    (one,) = find_events(later).events
    assert 1000 + 57 <= one.onset_index < one.apex_index < one.offset_index <= 1000 + 123


def test_what_each_sees_too_weakly_is_found_by_both_together():
    count, shape = 400, (200, 220)
    (alone,) = find_events(face(count, (SMILE, course(count, 190, 200, 220, 230)))).events
    coarse = (SMILE, 0.8 / alone.salience * course(count, 190, 200, 220, 230))
    signal = motion(count, (CORNERS, 0.8, weak(count, shape)), rate=RATE)
    (fine,) = find_events(face(count), signal).events
    faint = motion(count, (CORNERS, 0.8 * 0.4 / fine.salience, weak(count, shape)), rate=RATE)
    assert find_events(face(count), faint).events == ()
    assert find_events(face(count, coarse)).events == ()
    (found,) = find_events(face(count, coarse), faint).events
    assert (found.instrument, found.onset_index <= 200 <= found.offset_index) == ("both", True)
    assert 1.05 <= found.salience < 1.4
    assert find_events(face(count, coarse), faint).rejected == ()
