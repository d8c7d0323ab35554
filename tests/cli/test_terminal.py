"""Progress as bars, and where none can be shown."""

import io

import pytest
from rich.console import Console

from hmrm.cli import terminal
from hmrm.progress import Pace


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    return now


def test_long_stages_print_a_line_now_and_then(clock, capsys):
    with terminal.progress_bar(enabled=True) as progress:
        for done in range(4, 14):
            progress("folds", done, 24)
            clock[0] += 20.0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "folds: 6 of 24, about 6 min to go",
        "folds: 8 of 24, about 5 min to go",
        "folds: 10 of 24, about 5 min to go",
        "folds: 12 of 24, about 4 min to go",
    ]


def test_short_work_prints_nothing_and_unknown_ends_are_no_division(clock, capsys):
    with terminal.progress_bar(enabled=True) as progress:
        progress("frames", 1, None)
        clock[0] += 29.0
        progress("frames", 2, None)
        assert capsys.readouterr().err == ""
        clock[0] += 2.0
        progress("frames", 3, None)
    assert capsys.readouterr().err == "frames: 3\n"


def test_progress_can_be_switched_off(clock, capsys):
    with terminal.progress_bar(enabled=False) as progress:
        progress("folds", 1, 2)
        clock[0] += 100.0
        progress("folds", 2, 2)
    assert capsys.readouterr().err == ""


def test_the_next_video_starts_its_stage_over(clock, capsys):
    with terminal.progress_bar(enabled=True) as progress:
        for done in (1, 500, 1000):  # the first video, 10 s a frame
            progress("frames", done, 1000)
            clock[0] += 10.0 * 500
        capsys.readouterr()
        for done in (1, 11, 21):  # the second, 4 s a frame
            progress("frames", done, 101)
            clock[0] += 40.0
    assert capsys.readouterr().err.splitlines() == [
        "frames: 1 of 101",
        "frames: 11 of 101, about 6 min to go",
        "frames: 21 of 101, about 5 min to go",
    ]


def test_results_reach_standard_output_while_bars_are_shown(monkeypatch, capsys):
    synthetic = io.StringIO()
    monkeypatch.setattr(terminal, "ERR", Console(file=synthetic, force_terminal=True, width=100))
    with terminal.progress_bar(enabled=True) as progress:
        progress("frames", 5, 10)
        with progress.paused():
            terminal.OUT.print("3 movements")
        progress("frames", 7, 10)
        progress("frames", 1, 20)
    assert capsys.readouterr().out == "3 movements\n"
    assert "frames" in synthetic.getvalue() and "movements" not in synthetic.getvalue()


@pytest.mark.parametrize("text", ["pip install 'hmrm[parquet]'", "a [red]name[/red]", "[/]", ":x:"])
def test_strings_are_printed_as_they_are(text, capsys):
    terminal.OUT.print(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_a_slow_start_is_forgotten_and_nothing_is_estimated_before_it_can_be():
    pace = Pace(window_s=20.0, least_s=5.0)
    pace.add(0.0, 1)
    assert pace.left_s(0.0, 1801) is None
    pace.add(30.0, 2)  # weights were loaded meanwhile
    for second in range(31, 61):
        pace.add(float(second), 2 + 30 * (second - 30))
    assert abs(pace.left_s(60.0, 1801) - 30.0) < 1.0, "the rate of the last seconds"
    assert pace.left_s(60.0, None) is None
    assert pace.left_s(120.0, 1801) > 50.0, "a stage that stands is not about to end"
    pace.add(121.0, 1)
    assert pace.left_s(122.0, 1801) is None, "the next video"


def test_steps_longer_than_the_window_are_estimated_from_the_last_of_them():
    pace = Pace(window_s=20.0, least_s=5.0)
    for step, now in enumerate((0.0, 600.0, 700.0)):
        pace.add(now, step)
    assert pace.left_s(700.0, 5) == 300.0
