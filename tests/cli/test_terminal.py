"""Progress as bars, and where none can be shown."""

import io

import pytest
from rich.console import Console

from hmrm.cli import terminal


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
