from dataclasses import replace

import numpy as np
import pytest
from scripted import BROWS_UP, JAW, SMILE, course, face

from hmrm.spotting.expressions import find_expressions
from hmrm.spotting.position import PARTS
from hmrm.spotting.speech import speech, turning_points


def spans(findings):
    return [(one.onset, one.offset) for one in findings.expressions]


def test_rest_is_no_expression_and_the_largest_movement_stays_below_one():
    found = find_expressions(face(200))
    assert found.expressions == ()
    assert 0 < found.largest < 1


def test_a_held_smile_ends_when_it_ends():
    found = find_expressions(face(200, (SMILE, course(200, 40, 50, 140, 152))))
    ((onset, offset),) = spans(found)
    assert abs(onset - 40) <= 3
    assert abs(offset - 152) <= 3
    (one,) = found.expressions
    assert one.kind == "macro"
    assert "mouth_corner" in one.part
    assert 48 <= one.apex <= 142
    assert one.flags == ()


def test_type_is_by_true_duration():
    found = find_expressions(face(120, (SMILE, course(120, 40, 45, 48, 53))))
    assert [one.kind for one in found.expressions] == ["micro"]


def test_a_return_to_neutral_is_no_event_and_a_smile_under_way_is_told_as_such():
    found = find_expressions(face(150, (SMILE, course(150, -9, -5, 60, 70))))
    (one,) = found.expressions
    assert one.onset == 0
    assert abs(one.offset - 70) <= 3
    assert one.flags == ("under_way_at_start",)
    found = find_expressions(face(150, (SMILE, course(150, 90, 100, 160, 170))))
    (one,) = found.expressions
    assert abs(one.onset - 90) <= 3
    assert one.offset == 149
    assert one.flags == ("under_way_at_end",)


def test_every_apex_is_further_from_neutral_than_its_onset():
    measures = face(
        240, (SMILE, course(240, 30, 40, 60, 70)), (BROWS_UP, course(240, 120, 126, 150, 160))
    )
    found = find_expressions(measures)
    assert len(found.expressions) == 2
    far = found.moved.parts.max(axis=1)
    for one in found.expressions:
        assert far[one.apex] > far[one.onset]
        assert far[one.apex] > far[one.offset]


def test_a_chain_without_rest_is_split_where_one_becomes_another():
    measures = face(
        200, (SMILE, course(200, 40, 50, 80, 90)), (BROWS_UP, course(200, 82, 92, 130, 140))
    )
    first, second = spans(find_expressions(measures))
    assert abs(first[0] - 40) <= 3
    assert abs(first[1] - 86) <= 5
    assert abs(second[0] - 86) <= 5
    assert abs(second[1] - 140) <= 3


def test_syllables_are_speech_and_a_smile_among_them_is_kept_and_flagged():
    count = 240
    time_s = np.arange(count) / 30
    talks = np.where((time_s > 1) & (time_s < 7), np.maximum(0, np.sin(2 * np.pi * 3 * time_s)), 0)
    quiet = face(count, (JAW, talks))
    assert speech(quiet)[60:180].all()
    found = find_expressions(quiet)
    assert found.expressions == ()
    assert {one.reason for one in found.rejected} <= {"speech", "too_short"}
    assert found.rejected
    smiling = face(count, (JAW, talks), (SMILE, 1.3 * course(count, 100, 110, 150, 160)))
    kept = find_expressions(smiling).expressions
    assert any("during_speech" in one.flags and "corner" in one.part for one in kept)


def test_two_gasps_are_no_speech_and_are_found():
    gasps = course(150, 40, 43, 44, 48) + course(150, 60, 63, 64, 68)
    measures = face(150, (JAW, gasps))
    assert not speech(measures).any()
    assert [one.kind for one in find_expressions(measures).expressions] == ["micro", "micro"]


def test_a_trembling_open_mouth_is_no_speech():
    rng = np.random.default_rng(4)
    opening = np.full(120, 0.35) + 0.03 * rng.standard_normal(120)
    assert not speech(face(120, opening=opening)).any()


def test_turning_points_leave_small_changes_out():
    values = np.array([0, 1, 0.9, 1.1, 0, 0.05, -0.1, 1.0])
    assert turning_points(values, 0.5) == [3, 6]
    assert turning_points(np.zeros(9), 0.5) == []


def test_brows_that_move_with_a_blink_are_the_blinks():
    measures = face(150, (BROWS_UP, course(150, 60, 64, 66, 70)))
    shut = np.zeros(150, dtype=bool)
    shut[59:71] = True
    assert len(find_expressions(measures).expressions) == 1
    found = find_expressions(measures, blinking=shut)
    assert found.expressions == ()
    assert [one.reason for one in found.rejected] == ["blink"]
    held = face(150, (BROWS_UP, course(150, 60, 64, 100, 106)))
    (one,) = find_expressions(held, blinking=shut).expressions
    assert "blink_overlap" in one.flags


def test_what_is_covered_is_no_expression_but_the_rest_of_the_face_counts():
    count = 150
    measures = face(count, (SMILE, course(count, 50, 60, 80, 90)))
    covered = np.zeros((count, len(PARTS)), dtype=bool)
    for name in PARTS:
        if "brow" not in name:
            covered[45:95, PARTS.index(name)] = True
    found = find_expressions(measures, covered=covered)
    assert [one.reason for one in found.rejected] == ["covered"]
    assert found.largest < 1
    both = face(
        count, (SMILE, course(count, 50, 60, 80, 90)), (BROWS_UP, course(count, 50, 60, 80, 90))
    )
    assert len(find_expressions(both, covered=covered).expressions) == 1


def test_a_turned_head_must_move_further():
    weak = dict.fromkeys(BROWS_UP, (0.0, -0.032, 0.0))
    raised = course(150, 60, 66, 90, 96)
    assert len(find_expressions(face(150, (weak, raised))).expressions) == 1
    pose = np.zeros((150, 3))
    pose[:, 0] = 15 * raised
    assert find_expressions(face(150, (weak, raised), pose=pose)).expressions == ()


def test_nothing_is_read_across_a_cut():
    segment = np.repeat([0, 1], 60)
    shifted = np.repeat([0.0, 0.0], 60)
    shifted[60:] = 1.0
    # Another take begins in the middle of a smile that ends: under way, not with an onset.
    measures = face(120, (SMILE, shifted * course(120, -9, -5, 90, 98)), segment=segment)
    (one,) = find_expressions(measures).expressions
    assert one.onset == 60
    assert "under_way_at_start" in one.flags


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_clips_of_a_few_frames_do_no_harm(count):
    assert find_expressions(face(count, rate=25.0)).expressions == ()


def test_what_nearly_counts_is_kept_as_too_weak_and_what_only_a_turn_explains_as_turn():
    count = 150
    smile = (SMILE, course(count, 50, 60, 80, 90))
    (full,) = find_expressions(face(count, smile)).expressions
    weak = face(count, (SMILE, 0.85 / full.salience * smile[1]))
    found = find_expressions(weak)
    assert (found.expressions, {one.reason for one in found.rejected}) == ((), {"too_weak"})
    (one,) = found.rejected
    assert 50 <= one.candidate.onset < one.candidate.apex < one.candidate.offset <= 90
    tenth = face(count, (SMILE, 0.1 / full.salience * smile[1]))
    assert find_expressions(tenth).rejected == ()
    turned = face(count, (SMILE, 1.5 / full.salience * smile[1]))
    pose_deg = turned.pose_deg.copy()
    pose_deg[45:95, 0] += 25
    found = find_expressions(replace(turned, pose_deg=pose_deg))
    assert (found.expressions, [one.reason for one in found.rejected]) == ((), ["turn"])
