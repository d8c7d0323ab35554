import numpy as np
from scripted import course
from test_fine import BROWS, CORNERS, motion

from hmrm.spotting.fine import find_fine
from hmrm.spotting.syllables import SyllableConfig, syllables, turns_around

RATE = 30.0
CHIN = [7]


def flash(count, onset):
    return course(count, onset, onset + 4, onset + 5, onset + 10)


def test_an_expression_turns_once_and_is_no_syllable():
    signal = motion(300, (CORNERS, 0.6, flash(300, 150)), rate=RATE)
    (one,) = find_fine(signal)
    assert turns_around(one, signal, SyllableConfig()) == 1
    assert syllables([one], signal) == []


def test_a_word_turns_the_mouth_round_and_is_found_in_any_of_its_movements():
    """Lips press, the jaw drops, lips spread: one word of half a second."""
    count = 300
    word = (CHIN, 0.7, flash(count, 150)), (CHIN, -0.9, flash(count, 157))
    signal = motion(count, *word, (CORNERS, 0.5, flash(count, 166)), rate=RATE)
    found = find_fine(signal)
    assert found
    assert syllables(found, signal) == found


def test_a_brow_that_rises_meanwhile_is_no_syllable():
    count = 300
    word = [(CHIN, 0.25 * sign, flash(count, 140 + 8 * i)) for i, sign in enumerate((1, -1, 1))]
    signal = motion(count, *word, (BROWS, 0.9, flash(count, 150)), rate=RATE)
    found = find_fine(signal)
    (brow,) = [one for one in found if "brow" in one.region]
    assert brow not in syllables(found, signal)


def test_what_follows_a_word_closely_is_speech_and_what_comes_later_is_not():
    count = 400
    word = [(CHIN, 0.7 * sign, flash(count, 100 + 8 * i)) for i, sign in enumerate((1, -1, 1))]
    config = SyllableConfig(near_s=0.3)
    for onset, spoken in ((131, True), (200, False)):
        signal = motion(count, *word, (CORNERS, 0.6, flash(count, onset)), rate=RATE)
        found = find_fine(signal)
        (last,) = [one for one in found if one.onset > 125]
        assert turns_around(last, signal, config) == 1
        assert (last in syllables(found, signal, config)) == spoken


def test_noise_far_below_the_movement_is_no_turn():
    shaking = motion(300, (CORNERS, 0.8, flash(300, 150)), rate=RATE, noise=0.04)
    (one,) = find_fine(shaking)
    assert np.isclose(one.peak_px, 0.8, atol=0.25)
    assert turns_around(one, shaking, SyllableConfig()) == 1


def test_a_smile_while_the_chin_wanders_slowly_is_no_syllable():
    """As registration wanders in a coded video: half a second and more from turn to turn."""
    count = 300
    lenient = []
    for phase in (0, 0.25, 0.5, 0.75):
        wander = np.sin(2 * np.pi * (np.arange(count) / RATE / 1.1 + phase))
        signal = motion(count, (CORNERS, 0.35, flash(count, 150)), (CHIN, 0.14, wander), rate=RATE)
        (one,) = [one for one in find_fine(signal) if "corner" in one.region]
        assert turns_around(one, signal, SyllableConfig()) <= 1
        assert syllables([one], signal) == []
        lenient.append(turns_around(one, signal, SyllableConfig(apart_s=9.0)))
    assert max(lenient) == 2, "only the time between turns tells"
