"""The second coder's ceiling, on tables of which it can be worked out what comes out."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import SVC
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.clip import CLASSES
from hmrm.datasets.annotations.action_units import parse_units
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.action_units.ceiling import (
    CodedLabel,
    classify,
    measured_agreement,
    read_labels,
    second_coder,
    second_coder_ceiling,
)
from hmrm.synthetic.datasets.composite import synthetic_casme2
from hmrm.synthetic.datasets.writer import write_synthetic

UNIT_OF_CLASS = ("4", "12", "2")


def one_unit_each(clips: int = 90, *, dataset: str = "casme2") -> dict[str, CodedLabel]:
    """Every class has one unit, and every unit is equally frequent."""
    return {
        f"{dataset}/s{i % 6}/c{i:03d}": CodedLabel(
            label=CLASSES[i % 3], units=parse_units(UNIT_OF_CLASS[i % 3])
        )
        for i in range(clips)
    }


def test_where_a_unit_is_a_class_the_ceiling_is_the_agreement() -> None:
    found = second_coder_ceiling(one_unit_each(), agreements=(0.85, 0.5, 0.0), coders=200)
    assert (found.clips, found.subjects, found.units) == (90, 6, (2, 4, 12))
    published, close, half, none = found.rows
    assert (published.uf1, published.uar, published.measured_agreement) == (1.0, 1.0, 1.0)
    assert published.uf1_sd is None
    for row, agreement in ((close, 0.85), (half, 0.5), (none, 0.0)):
        # A missed unit is replaced by that of another class, so each such clip is wrong.
        assert row.uar == pytest.approx(row.measured_agreement, abs=1e-12)
        # 18,000 clips were classified: four standard errors.
        assert row.uar == pytest.approx(agreement, abs=4 * 0.5 / 18000**0.5)
        assert row.uf1 == pytest.approx(row.uar, abs=0.01)
    assert close.uf1_sd is not None and close.uf1_sd > 0


def test_the_same_seed_gives_the_same_coders_and_another_one_others() -> None:
    clips = one_unit_each()
    assert second_coder_ceiling(clips, coders=3) == second_coder_ceiling(clips, coders=3)
    assert (
        second_coder_ceiling(clips, coders=3, seed=1).rows
        != second_coder_ceiling(clips, coders=3).rows
    )


def random_codes(clips: int, units: int, *, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    codes = generator.random((clips, units)) < np.linspace(0.1, 0.4, units)
    codes[np.arange(clips), generator.integers(units, size=clips)] = True
    return codes


@pytest.mark.parametrize("agreement", [1.0, 0.85, 0.8, 0.3])
def test_a_second_coder_agrees_as_far_as_asked_and_states_as_many(agreement: float) -> None:
    codes = random_codes(4000, 12)
    simulated = second_coder(codes, agreement, generator=np.random.default_rng(1))
    few = codes.sum(1) <= 4  # more units than that can leave too few others to add
    np.testing.assert_array_equal(simulated[few].sum(1), codes[few].sum(1))
    assert measured_agreement(codes[few], simulated[few]) == pytest.approx(agreement, abs=0.015)
    assert np.array_equal(simulated, codes) == (agreement == 1.0)


def test_missed_units_are_replaced_by_frequent_ones_more_often() -> None:
    codes = np.zeros((6000, 3), dtype=bool)
    codes[:1000, 0] = True
    codes[1000:2000, 1] = True  # one for every four of the last
    codes[2000:, 2] = True
    simulated = second_coder(codes, 0.0, generator=np.random.default_rng(0))[:1000]
    assert not simulated[:, 0].any()
    assert simulated[:, 2].mean() == pytest.approx(0.8, abs=0.05)


def test_leaving_subjects_out_equals_a_loop_with_scikit_learns_machine() -> None:
    codes = random_codes(60, 6, seed=3)
    labels = np.where(codes[:, 0], 0, np.where(codes[:, 1], 1, 2))
    labels[::7] = (labels[::7] + 1) % 3
    numbers = (1, 2, 4, 9, 12, 17)
    clips = {
        f"samm/s{i % 5}/c{i:02d}": CodedLabel(
            label=CLASSES[label],
            units=parse_units(
                "+".join(str(n) for n, own in zip(numbers, code, strict=True) if own)
            ),
        )
        for i, (code, label) in enumerate(zip(codes, labels, strict=True))
    }
    recalls = []
    for subject in range(5):
        test = np.arange(60) % 5 == subject
        machine = SVC(kernel="linear", C=1.0, class_weight="balanced")
        machine.fit(codes[~test].astype(float), labels[~test])
        expected = machine.predict(codes[test].astype(float))
        assert np.array_equal(classify(codes[~test], labels[~test], codes[test]), expected)
        recalls.append((expected == labels[test], labels[test]))
    right, truth = (np.concatenate(part) for part in zip(*recalls, strict=True))
    uar = np.mean([right[truth == k].mean() for k in range(3)])
    (row,) = second_coder_ceiling(clips, agreements=()).rows
    assert row.uar == pytest.approx(uar, abs=1e-12)
    assert 0.5 < row.uar < 1


def test_data_sets_have_rows_of_their_own_and_clips_without_units_do_not_count() -> None:
    clips = one_unit_each(60) | one_unit_each(30, dataset="samm")
    clips["samm/s0/quiet"] = CodedLabel(label="negative", units=parse_units("4?"))
    found = second_coder_ceiling(clips, agreements=(0.8,), coders=2)
    assert found.without_code == 1
    assert [(row.data_set, row.agreement, row.clips) for row in found.rows] == [
        ("composite", 1.0, 90),
        ("composite", 0.8, 90),
        ("casme2", 1.0, 60),
        ("casme2", 0.8, 60),
        ("samm", 1.0, 30),
        ("samm", 0.8, 30),
    ]


def test_what_cannot_be_answered_is_refused() -> None:
    clips = one_unit_each(9)
    for wrong in ({"agreements": (1.2,)}, {"coders": 0}):
        with pytest.raises(ConfigError, match="agreements from 0 to 1"):
            second_coder_ceiling(clips, **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="0 clips with a code"):
        second_coder_ceiling({})
    alone = {clip: one for clip, one in clips.items() if "/s0/" in clip}
    with pytest.raises(DataError, match="leaves nothing to train on"):
        second_coder_ceiling(alone | {"casme2/s0/x": clips["casme2/s1/c001"]})


def test_a_training_side_of_one_class_answers_that_class() -> None:
    codes = random_codes(4, 3)
    assert classify(codes, np.full(4, 2), random_codes(5, 3)).tolist() == [2] * 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,action_units\na/b/c,4\n", "column 'class' is missing"),
        ("id,class,action_units\na/b/c,angry,4\n", "line 2: class is 'angry'"),
        ("id,class,action_units\na/b/c,negative,smile\n", "line 2: action units 'smile'"),
        ("id,class,action_units\na/b,negative,4\n", "line 2: .*dataset/subject/clip"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "codes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path / "codes.csv")


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["ceiling", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_command_reads_a_data_sets_own_table_and_a_plain_one(tmp_path: Path) -> None:
    write_synthetic(tmp_path, synthetic_casme2(), images="none")
    table = tmp_path / "CASME2/CASME2-coding-20140508.xlsx"
    plain = tmp_path / "codes.csv"
    lines = [
        f"{clip},{one.label},{one.units.text}"
        for clip, one in one_unit_each(30, dataset="samm").items()
    ]
    plain.write_text("\n".join(["id,class,action_units", *lines]) + "\n", encoding="utf-8")
    found = json.loads(call(f"casme2={table}", plain, "--coders", 2, "--json"))
    # MEGC 2019 keeps 145 clips of CASME II; some may state no unit.
    assert found["clips"] + found["without_code"] == 145 + 30
    assert [row["agreement"] for row in found["rows"][:3]] == [1.0, 0.85, 0.8]
    assert "90 clips" not in (words := call(plain, "--agreement", "0.9", "--coders", 1))
    assert "30 clips of 6 subjects, 3 action units" in words and "0.90" in words
    with pytest.raises(ConfigError, match="has a table for each part"):
        call(f"composite={table}")
    with pytest.raises(ConfigError, match="numbers with commas"):
        call(plain, "--agreement", "high")
