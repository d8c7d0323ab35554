"""Points of faces that a user gives are read, or refused with their file and line."""

import math
from pathlib import Path

import numpy as np
import pytest

from hmrm.datasets.preparation.supplied_points import COLUMNS, check_in_image, read_points
from hmrm.errors import DataError
from hmrm.synthetic.datasets.writer import write_points

HEADER = ",".join(COLUMNS)
FACE = (30.0, 40.0, 70.0, 40.0, 50.0, 60.0, 35.0, 80.0, 65.0, 80.0)


def test_points_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_points(tmp_path / "p.csv", {"a/b/c": FACE})
    assert read_points(tmp_path / "p.csv") == {"a/b/c": FACE}


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_face_may_lie_on_its_side_but_not_be_mirrored(degrees: int, tmp_path: Path) -> None:
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned = np.reshape(FACE, (5, 2)) @ turn.T
    write_points(tmp_path / "p.csv", {"a/b/c": tuple(turned.ravel())})
    assert len(read_points(tmp_path / "p.csv")) == 1
    write_points(tmp_path / "p.csv", {"a/b/c": tuple(turned[[1, 0, 2, 4, 3]].ravel())})
    with pytest.raises(DataError, match=r"p\.csv line 2: eyes and mouth make no face"):
        read_points(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"column 'id' is missing; needs id, x1, y1"),
        ("id,x1\na,1\n", r"column 'y1' is missing"),
        (f"{HEADER}\n", "holds no points"),
        (f"{HEADER}\na/b/c,1,2,3,abc,5,6,7,8,9,10\n", r"line 2: y2 is 'abc'; expected a number"),
        (f"{HEADER}\na/b/c,1,2,3,inf,5,6,7,8,9,10\n", r"line 2: y2 is 'inf'; expected a number"),
        (f"{HEADER}\na/b/c,1,2\n", "line 2: x2 is None; expected a number"),
        (f"{HEADER}\n,1,2,3,4,5,6,7,8,9,10\n", "line 2: id '' is empty"),
        (f"{HEADER}\na,{','.join(map(str, FACE))}\na,1\n", "line 3: id 'a' is there twice"),
    ],
)
def test_other_tables_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=rf"p\.csv.*{words}"):
        read_points(tmp_path / "p.csv")


def test_a_workbook_is_named_as_no_text(tmp_path: Path) -> None:
    (tmp_path / "p.xlsx").write_bytes(b"PK\x03\x04\xc7\xff")
    with pytest.raises(DataError, match=r"is no text in UTF-8 .*save the points as CSV"):
        read_points(tmp_path / "p.xlsx")
    with pytest.raises(DataError, match="cannot be read"):
        read_points(tmp_path / "absent.csv")


def test_points_may_lie_a_little_beside_the_picture() -> None:
    check_in_image(FACE, np.zeros((100, 100), np.uint8), name="a/b/c")
    check_in_image(FACE, np.zeros((75, 100, 3), np.uint8), name="a/b/c")
    with pytest.raises(DataError, match=r"a/b/c: point 4 of --faces is \(35, 80\)"):
        check_in_image(FACE, np.zeros((70, 100), np.uint8), name="a/b/c")
