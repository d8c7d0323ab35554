"""Tables of action units as OpenFace and py-feat write them, with their quirks."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import DataError
from hmrm.evaluation.action_units.found import read_found

OPENFACE = (
    "frame, face_id, timestamp, confidence, success, gaze_0_x, AU04_r, AU12_r, AU04_c, AU12_c\n"
)
TRUTH = "id,action_units\ncasme2/sub01/EP02_01f,12\ncasme2/sub02/EP03,4\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


def call(*arguments: object) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["score-aus", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout, " ".join(result.stderr.split())


def test_frames_of_openface_are_pooled_and_the_file_names_the_clip(tmp_path: Path) -> None:
    text = OPENFACE + (
        "1, 0, 0.000, 0.98, 1, 0.1, 0.10, 0.00, 0, 0\n"
        "2, 0, 0.005, 0.98, 1, 0.1, 0.20, 2.40, 0, 1\n"
        "3, 0, 0.010, 0.00, 0, 0.0, 0.00, 0.00, 0, 0\n"
    )
    found = read_found(write(tmp_path, "EP02_01f.csv", text))
    assert found.units == {"EP02_01f": frozenset({12})}
    assert found.columns == frozenset({4, 12})
    assert [note.partition(": ")[2].partition(" are")[0] for note in found.notes] == [
        "3 frames of 1 clips",
        "1 of 3 rows have no face (success 0, or NaN for every unit) and",
    ]


def test_of_several_faces_in_a_frame_the_surest_counts(tmp_path: Path) -> None:
    text = OPENFACE + (
        "1, 0, 0.0, 0.60, 1, 0.1, 0.1, 2.0, 0, 1\n1, 1, 0.0, 0.98, 1, 0.1, 2.0, 0.1, 1, 0\n"
    )
    found = read_found(write(tmp_path, "a.csv", text))
    assert found.units == {"a": frozenset({4})}
    assert any("1 further faces" in note for note in found.notes)


def test_intensities_serve_where_presence_is_absent(tmp_path: Path) -> None:
    text = "frame, success, AU04_r, AU12_r\n1, 1, 0.99, 1.0\n2, 1, 0.5, 4.9\n"
    found = read_found(write(tmp_path, "a.csv", text))
    assert found.units == {"a": frozenset({12})}
    assert any("from 1 of 5" in note for note in found.notes)
    write(tmp_path, "a.csv", text.replace("4.9", "5.1"))
    with pytest.raises(DataError, match=r"line 3: AU12_r is '5.1'"):
        read_found(tmp_path / "a.csv")


def test_py_feat_names_the_file_and_writes_nan_without_a_face(tmp_path: Path) -> None:
    text = (
        ",frame,FaceScore,AU04,AU12,input\n"
        "0,0,0.99,0.1,0.9,films/EP02_01f.mp4\n"
        "1,1,,,,films/EP02_01f.mp4\n"
        "0,0,NaN,NaN,NaN,films/EP03.mp4\n"
        "0,0,0.9,0.8,NaN,stills/EP04/img001.jpg\n"
    )
    found = read_found(write(tmp_path, "fex.csv", text))
    assert found.units == {"EP02_01f": frozenset({12}), "EP04": frozenset({4})}
    assert found.failed == {"EP03"}
    assert found.unmeasured == {"EP04": frozenset({12})}


def test_failures_do_not_count_and_are_told_with_the_score_if_they_did(tmp_path: Path) -> None:
    truth = write(tmp_path, "truth.csv", TRUTH)
    text = "id, frame, success, AU04_c, AU12_c\nEP02_01f, 1, 0, 0, 0\nsub02_EP03, 1, 1, 1, 0\n"
    out, err = call("--truth", truth, "--found", write(tmp_path, "of.csv", text), "--units", "4,12")
    assert "macro F1 0.500" in out and "1 clips" in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line[:4] != "unit"}
    assert rows["AU4"] == ["1.000", "1", "0", "0", "0"]
    assert rows["AU12"] == ["0.000", "0", "0", "0", "0"]
    assert "1 annotated clips have no face" in err and "macro F1 is 0.500" in err
    assert "2 clips are matched by name, e.g. EP02_01f with casme2/sub01/EP02_01f" in err


def test_a_folder_of_one_table_a_clip(tmp_path: Path) -> None:
    truth = write(tmp_path, "truth.csv", TRUTH + "casme2/sub03/EP05,26\n")
    for name, cells in (("EP02_01f", "0, 1"), ("EP03", "1, 0")):
        write(tmp_path / "of", f"{name}.csv", f"frame, success, AU04_c, AU12_c\n1, 1, {cells}\n")
    out, err = call("--truth", truth, "--found", tmp_path / "of")
    assert "macro F1 0.667" in out
    assert "no column for AU26" in err and "1 annotated clips have no result" in err


def test_an_unknown_table_shows_three_lines_of_a_right_one(tmp_path: Path) -> None:
    names = [f"eye_lmk_x_{i}" for i in range(700)]
    path = write(tmp_path, "a.csv", ",".join(names) + "\n" + ",".join("0" * 700) + "\n")
    with pytest.raises(DataError) as caught:
        read_found(path)
    text = str(caught.value)
    assert "eye_lmk_x_7 and 692 more" in text and "eye_lmk_x_8" not in text
    assert text.splitlines()[1:] == [
        "  id,AU4,AU12",
        "  casme2/sub01/EP02_01f,0,1",
        "  casme2/sub01/EP03_02,0.7,0.1",
    ]
    with pytest.raises(DataError, match="no column frame"):
        read_found(write(tmp_path, "b.csv", "timestamp,AU04_c\n0.1,1\n"))
    with pytest.raises(DataError, match=r"line 3: clip a occurs twice; .* frames in a column"):
        read_found(write(tmp_path, "c.csv", "clip,AU4\na,1\na,1\n"))
    with pytest.raises(DataError, match="both the clip x/s/a; keep one"):
        table = write(tmp_path, "d.csv", "id,AU4\nx/s/a,1\na,1\n")
        read_found(table).named_as({"x/s/a"})


def test_spreadsheets_write_decimal_commas_bars_and_empty_rows(tmp_path: Path) -> None:
    for text in (
        "clip; AU04_c; AU12_c; success\na; 1,0; 0,25; 1\n;;;\nb; 0,0; 1,0; 1\n",
        "\r\n , , \r\n id , AU4 , AU12 \r\n a , 1 , 0 \r\n,,\r\n b , 0 , 1 \r\n",
        "\ufeffclip|AU12|AU4\na|0|1\nb|1|0\n",
    ):
        found = read_found(write(tmp_path, "a.csv", text))
        assert found.units == {"a": {4}, "b": {12}}
        assert not found.failed
