"""Predictions of others: tables and logs in the forms that the field's programs write."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.clip import CLASSES
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.external_predictions import score_external
from hmrm.evaluation.external_tables import ExternalPredictions, read_external

GOLDEN = Path(__file__).parents[1] / "golden/ststnet_loso_predictions.csv"
CAPSULENET = """casme2 sub01
EP02_01f 1 1
EP19_05f 0 0
smic 1
s1_ne_01 0 2
s1_po_01 1 1
smic 20
s20_sur_01 2 2
samm 6
006_1_2 0 0
samm 6
006_3_5 2 0
"""


def read(folder: Path, text: str, columns: tuple[str, ...] = ()) -> ExternalPredictions:
    path = folder / "p.csv"
    path.write_text(text)
    return read_external(path, classes=CLASSES, columns=columns)


def labels(found: ExternalPredictions) -> list[tuple[str, int, int]]:
    p = found.predictions
    return list(zip(p.ids, p.truth.tolist(), p.predicted.tolist(), strict=True))


def ststnet_log(*, best: bool = False) -> str:
    """The authors' log of 442 predictions, written again from the table of them."""
    subjects: dict[str, tuple[list[int], list[int]]] = {}
    with GOLDEN.open() as file:
        for row in csv.DictReader(file):
            truth, guess = subjects.setdefault(row["subject"], ([], []))
            truth.append(int(row["truth"]))
            guess.append(int(row["predicted"]))
    word = "Best Predicted    :" if best else "Predicted   :"
    lines = []
    for name, (truth, guess) in subjects.items():
        lines += [f"Subject: {name} ", f"{word} {guess} ", f"Ground Truth: {truth} "]
        lines += ["Evaluation until this subject: ", "UF1: 0.5185 | UAR: nan "]
    return "\n".join([*lines, "Final Evaluation: ", "UF1: 0.7209 | UAR: 0.725 ", ""])


def test_ststnets_log_gives_its_own_score(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(ststnet_log())
    summary = score_external(tmp_path / "log.txt", tmp_path / "run", classes=CLASSES).summary
    found = summary.composite
    assert (found.uf1.mean, found.uar.mean) == pytest.approx((0.7209, 0.7250), abs=5e-5)
    assert (summary.clips, summary.subjects) == (442, 68)
    assert any("states UF1 0.7209, UAR 0.7250: the same" in w for w in summary.warnings)
    assert any("names no clips" in w for w in summary.warnings)
    wrong = read(tmp_path, ststnet_log().replace("UF1: 0.7209", "UF1: 0.8000"))
    assert "its clips give 0.7209" in wrong.notes[0]


def test_a_log_of_best_epochs_alone_is_named_as_such(tmp_path: Path) -> None:
    found = read(tmp_path, ststnet_log(best=True))
    assert len(found.predictions.ids) == 442
    assert "chosen on the test subject" in found.notes[0]
    both = (
        "Subject: s01\nINFO:root:Predicted    :tensor([0, 1,\n 2], device='cuda:0')\n"
        "Best Predicted    : [2, 2, 2]\nGround Truth : [0, 0, 2]\n"
    )
    assert [row[1:] for row in labels(read(tmp_path, both))] == [(0, 0), (0, 1), (2, 2)]
    assert read(tmp_path, both).notes == ()


def test_the_log_by_data_set_and_subject(tmp_path: Path) -> None:
    found = read(tmp_path, CAPSULENET)
    assert labels(found) == [
        ("casme2/sub01/EP02_01f", 1, 1),
        ("casme2/sub01/EP19_05f", 0, 0),
        ("samm/006/006_1_2", 0, 0),
        ("samm/006/006_3_5", 2, 0),
        ("smic/s01/s01_ne_01", 0, 2),
        ("smic/s01/s01_po_01", 1, 1),
        ("smic/s20/s20_sur_01", 2, 2),
    ]
    assert found.predictions.named
    assert "clip, truth, predicted" in found.notes[0]


def test_the_order_of_a_logs_columns_is_that_of_its_header_or_asked(tmp_path: Path) -> None:
    def swap(line: str) -> str:
        cells = line.split()
        return " ".join([cells[0], *reversed(cells[1:])]) if len(cells) == 3 else line

    swapped = "\n".join(map(swap, CAPSULENET.splitlines()))
    expected = labels(read(tmp_path, CAPSULENET))
    found = read(tmp_path, f"clip predicted truth\n{swapped}")
    assert labels(found) == expected and found.notes == ()
    with pytest.raises(DataError, match=r"which column is the truth\?.*--columns"):
        read(tmp_path, swapped)
    assert labels(read(tmp_path, swapped, ("clip", "predicted", "truth"))) == expected
    with pytest.raises(ConfigError, match="name truth and predicted"):
        read(tmp_path, swapped, ("clip", "truth"))


@pytest.mark.parametrize(
    "text",
    [
        "subject,y_true,y_pred\nsub01,0,1\n",
        "Sub;GT;Pred\nsub01;0.0;1.0\n",
        "Subject\tGround Truth\tPrediction\nsub01\t Negative\tPOSITIVE \n",
        "subject, label, pred\nsub01, neg, pos\n",
        "subject,truth,label,predicted\nsub01,0,2,1\n",
    ],
)
def test_other_names_of_columns_and_classes(tmp_path: Path, text: str) -> None:
    assert labels(read(tmp_path, text)) == [("casme2/sub01/row-00001", 0, 1)]


def test_columns_that_the_file_does_not_state(tmp_path: Path) -> None:
    found = read(tmp_path, "sub01,1,0\nsub02,2,2\n", ("subject", "predicted", "truth"))
    assert labels(found) == [("casme2/sub01/row-00001", 0, 1), ("casme2/sub02/row-00002", 2, 2)]
    with pytest.raises(DataError, match=r"line 2: truth is '7'"):
        read(tmp_path, "sub01,1,0\nsub02,2,7\n", ("subject", "predicted", "truth"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,truth,predicted\ns1,0,\n", r"line 2: predicted is ''.*remove its row"),
        ("subject,truth,predicted\ns1,1,1\ns1,2,2\ns2,3,3\n", r"line 4.*count from 1"),
        ("casme2 sub01\na 1 1\nb 1\nc 1\n", r"line 3: 'b 1' has no clip below it"),
        ("casme2 sub01\na 1 1\nb 1 1 1\n", r"line 3: got 'b 1 1 1' in a log"),
        ("casme2 sub01\na 1 1\na 1 0\n", r"p\.csv: clip casme2/sub01/a is predicted twice"),
        ("Subject: 1\nPredicted: [0]\nGround Truth: [0, 1]\n", r"line 1: subject 1 has 2 true"),
        ("Subject: 1\nPredicted: [0]\n", r"0 lists 'Ground Truth'"),
    ],
)
def test_what_cannot_be_read_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_an_unknown_form_shows_three_lines_of_a_right_one(tmp_path: Path) -> None:
    names = ",".join(f"feature{i}" for i in range(700))
    (tmp_path / "p.csv").write_text(f"{names}\n{names}\n")
    result = CliRunner().invoke(app, ["evaluate", "--predictions", str(tmp_path / "p.csv")])
    text = str(result.exception)
    assert "feature7 and 692 more" in text and "feature8" not in text
    assert [line.strip() for line in text.splitlines()[1:]] == [
        "id,truth,predicted",
        "casme2/sub01/EP02_01f,positive,positive",
        "samm/006/006_1_2,0,2",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffClip\ttrue_label\tpredicted_label\ncasme2/sub01/a\tNegative\tPOSITIVE\n",
        "\n,,\nid,truth,predicted\n,,\ncasme2/sub01/a, 0.0 , 1.0\n,,\n",
        "y_pred|y_true|sub|data|filename\n1|0|sub01|casme2|a\n",
    ],
)
def test_spreadsheets_of_others_name_the_same_clip(tmp_path: Path, text: str) -> None:
    assert labels(read(tmp_path, text)) == [("casme2/sub01/a", 0, 1)]
