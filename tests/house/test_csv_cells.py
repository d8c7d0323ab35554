"""Names in our tables: no formula in a spreadsheet, the same name when read back."""

import csv
import io

import pytest

from hmrm.csv_cells import Writer, guarded, unguarded
from hmrm.evaluation.spotting.files import read_intervals
from hmrm.intervals import Interval, write_csv

NAMES = ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "'=x", "''@x", "'x", "x=1", "", "-", "casme2/s1/a"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_formula_and_comes_back(name):
    assert not guarded(name).startswith(("=", "+", "-", "@", "\t"))
    assert unguarded(guarded(name)) == name


@pytest.mark.parametrize("number", ["-0.5", "+3", "1e-5", "-inf", "0"])
def test_numbers_stay_numbers(number):
    assert guarded(number) == unguarded(number) == number


def test_the_writer_guards_text_alone():
    text = io.StringIO()
    Writer(text).writerows([("=a", -1, -0.5, None), ("b", "-0.25", True, "'-c")])
    assert list(csv.reader(io.StringIO(text.getvalue()))) == [
        ["'=a", "-1", "-0.5", ""],
        ["b", "-0.25", "True", "''-c"],
    ]


@pytest.mark.parametrize("name", ["=1+1", "@video", "'=x", "-video"])
def test_intervals_of_such_videos_are_read_back(tmp_path, name):
    found = Interval(subject="", video=name, onset_index=1, offset_index=9, kind="micro")
    write_csv(tmp_path / "t.csv", [found])
    assert [one.video for one in read_intervals([tmp_path / "t.csv"], "found").intervals] == [name]
