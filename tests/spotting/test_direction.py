import numpy as np
import pytest
from scripted import BROWS_UP, SMILE, course, face

from hmrm.spotting.direction import distance_from_neutral, leading_away
from hmrm.spotting.expressions import find_expressions
from hmrm.spotting.face_events import FaceEvent

COUNT = 240


def event(onset, apex, offset, *flags):
    return FaceEvent(
        onset_index=onset,
        apex_index=apex,
        offset_index=offset,
        kind="micro",
        instrument="registration",
        region="right_brow",
        salience=1.1,
        peak_px=0.5,
        flags=flags,
    )


def kept_and_returns(measures, *events):
    return leading_away(events, measures, find_expressions(measures))


@pytest.mark.parametrize("shape", [SMILE, BROWS_UP])
def test_distance_follows_mouth_and_brows(shape):
    measures = face(COUNT, (shape, course(COUNT, 60, 70, 110, 120)))
    found = find_expressions(measures)
    far = distance_from_neutral(found.position, found.neutral)
    assert np.median(far[75:105]) > 4
    assert np.median(far[:55]) < 1
    assert np.median(far[130:]) < 1


def test_an_event_towards_neutral_is_a_return_and_one_away_from_it_is_kept():
    measures = face(COUNT, (SMILE, course(COUNT, 60, 70, 110, 120)))
    away, back = event(60, 90, 105), event(106, 118, 125)
    kept, returns = kept_and_returns(measures, away, back)
    assert kept == [away]
    (one,) = returns
    assert (one.onset_index, one.apex_index, one.reason) == (106, 118, "return")
    assert (one.region, one.instrument, one.salience) == ("right_brow", "registration", 1.1)


def test_an_onset_that_came_too_late_moves_to_where_the_face_was_nearer_to_neutral():
    sudden = np.interp(np.arange(COUNT), [60, 63, 70, 90, 95], [0, 1, 0.7, 0.7, 0])
    measures = face(COUNT, (SMILE, sudden), noise=0.0)
    (one,), returns = kept_and_returns(measures, event(63, 72, 77))
    assert returns == []
    assert 60 <= one.onset_index < 63
    assert (one.apex_index, one.offset_index, one.kind) == (72, 77, "micro")
    (longer,), _ = kept_and_returns(measures, event(63, 72, 78))
    assert longer.kind == "macro", "its duration is measured from the new onset"
    before = event(55, 58, 63)
    assert kept_and_returns(measures, before, event(63, 72, 77))[0] == [before], "it is over first"


def test_what_the_mesh_cannot_tell_and_what_began_before_the_video_stays():
    measures = face(COUNT, (SMILE, course(COUNT, 60, 70, 110, 120)))
    faint = [event(20, 24, 30), event(140, 145, 150), event(200, 204, 209)]
    kept, returns = kept_and_returns(measures, *faint)
    assert [e.apex_index for e in kept] == [24, 145, 204]
    assert returns == []
    begun = event(106, 118, 125, "under_way_at_start")
    assert kept_and_returns(measures, begun) == ([begun], [])


def test_brows_that_a_blink_pulls_down_make_no_return():
    blink = course(COUNT, 96, 100, 104, 110)
    lowered = dict.fromkeys(BROWS_UP, (0.0, 0.03, 0.0))
    measures = face(COUNT, (lowered, blink), (SMILE, 0.15 * course(COUNT, 100, 112, 116, 126)))
    shut = blink > 0.02
    event_after = event(104, 114, 124)
    mesh = find_expressions(measures, blinking=shut)
    assert leading_away([event_after], measures, mesh, blinking=shut) == ([event_after], [])
    kept, returns = leading_away([event_after], measures, mesh)
    assert kept == [] and len(returns) == 1, "without knowing of the blink"
