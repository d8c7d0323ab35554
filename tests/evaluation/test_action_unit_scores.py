"""F1 of action units: scikit-learn's where nothing is in doubt; doubt counts neither way."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.clip import CLASSES
from hmrm.datasets.annotations.action_units import parse_units
from hmrm.datasets.preparation import prepare_clip
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.action_units.found import read_found
from hmrm.evaluation.action_units.predict import predict_units, write_units
from hmrm.evaluation.action_units.score import FAILURES, read_truth, score_units
from hmrm.flow.mapset import MapSet, build_mapset, canonical_maps
from hmrm.model.checkpoints import load_model
from hmrm.synthetic.datasets.composite import synthetic_casme2
from hmrm.synthetic.datasets.writer import write_synthetic
from hmrm.synthetic.flow_maps import SynthConfig, synthesize_maps

NUMBERS = (1, 2, 4, 12)
sets = st.sets(st.sampled_from(NUMBERS)).map(frozenset)


@given(st.lists(st.tuples(sets, sets), min_size=1, max_size=30))
def test_equal_to_scikit_learn(pairs) -> None:
    codes = {f"d/s/{i}": parse_units("+".join(map(str, a))) for i, (a, _) in enumerate(pairs)}
    found = {f"d/s/{i}": b for i, (_, b) in enumerate(pairs)}
    scores = score_units(codes, found, units=NUMBERS)
    for unit in scores.units:
        truth = np.array([unit.number in a for a, _ in pairs])
        guess = np.array([unit.number in b for _, b in pairs])
        assert unit.f1 == pytest.approx(f1_score(truth, guess, zero_division=0))
    assert scores.macro_f1 == pytest.approx(np.mean([u.f1 for u in scores.units]))


def test_doubt_counts_neither_way_and_units_at_rest_are_none() -> None:
    truth = {"a": parse_units("12 or 15"), "b": parse_units("12"), "c": parse_units("ref(12)+4?")}
    found = {"a": frozenset({12}), "b": frozenset({12}), "c": frozenset({4, 12})}
    (unit,) = score_units(truth, found).units
    assert (unit.number, unit.hits, unit.false_alarms, unit.misses, unit.doubtful) == (
        12,
        1,
        1,
        0,
        1,
    )
    four = score_units(truth, found, units=[4]).units[0]
    assert (four.false_alarms, four.doubtful, four.f1) == (0, 1, 0.0)


def test_clips_are_matched_by_id_and_the_rest_is_counted() -> None:
    truth = {"a": parse_units("12"), "b": parse_units("4"), "x": None}
    scores = score_units(truth, {"a": frozenset({12}), "z": frozenset({4})})
    assert (scores.clips, scores.without_result, scores.unknown, scores.unreadable) == (2, 1, 1, 1)
    assert scores.micro_f1 == pytest.approx(2 / 3)
    with pytest.raises(DataError, match="share no clip"):
        score_units(truth, {"z": frozenset()})
    with pytest.raises(DataError, match="states no unit"):
        score_units({"a": parse_units("4?")}, {"a": frozenset()})
    with pytest.raises(DataError, match="annotates no clip"):
        score_units({"x": None}, {})


def test_clips_that_were_never_looked_at_do_not_count() -> None:
    truth = {"a": parse_units("12"), "b": parse_units("4"), "c": parse_units("4"), "x": None}
    found = {"a": frozenset({12}), "c": frozenset({4})}
    scores = score_units(truth, found, excluded=("b", "c", "x", "line 7"))
    assert (scores.clips, scores.without_result, scores.excluded, scores.unreadable) == (2, 0, 1, 1)
    assert scores.macro_f1 == 1.0
    assert score_units(truth, found).without_result == 1


@pytest.mark.parametrize(
    "text",
    [
        "id,action_units\na,4+L10\nb,\n",
        "id,AU4,AU10,AU12\na,1,1,0\nb,0,0,0\n",
        "id,AU04_c,AU10_c\na,1.0,1.0\nb,0.0,0.0\n",
        "id,p_AU4,p_AU10\na,0.5,0.9\nb,0.49,0.1\n",
    ],
)
def test_found_units_come_in_several_forms(text: str, tmp_path: Path) -> None:
    (tmp_path / "action_units.csv").write_text(text)
    assert read_found(tmp_path).units == {"a": frozenset({4, 10}), "b": frozenset()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("AU4,AU5\n0,1\n", "column 'id' is missing, and there is no column frame"),
        ("id,score\na,1\n", "nor columns such as AU12"),
        ("id,AU4\na,yes\n", "line 2: AU4 is 'yes'"),
        ("id,p_AU4\na,0.1\nb,1.7\n", "line 3: p_AU4 is '1.7'; .* from 0 to 1"),
        ("id,p_AU4\na,-3\n", "line 2: p_AU4 is '-3'"),
        ("", "f.csv: is empty"),
        ("id,AU4,AU5\na,1\n", "line 2: has no cell 'AU5'"),
        ("id,AU4\n,1\n", "line 2: id is empty"),
        ("id,AU4\na,1\na,0\n", "line 3: clip a occurs twice"),
        ("id,action_units\na,smile\n", "line 2: action units 'smile'"),
    ],
)
def test_bad_tables_are_refused_with_their_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_found(path)
    with pytest.raises(DataError, match="cannot be read as text"):
        read_truth(tmp_path / "absent.csv")
    path.write_bytes(b"PK\x03\x04\xc7")
    with pytest.raises(DataError, match=r"is a workbook.*--dataset"):
        read_truth(path)


def call(*arguments) -> str:
    result = CliRunner().invoke(app, ["score-aus", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_command_scores_a_data_sets_own_table(tmp_path: Path) -> None:
    synthetic = synthetic_casme2()
    write_synthetic(tmp_path, synthetic, images="none")
    table = tmp_path / "CASME2/CASME2-coding-20140508.xlsx"
    lines = [f"{r.id},{r.units_text}" for r in synthetic.records]
    (tmp_path / "found.csv").write_text("\n".join(["id,action_units", *lines]) + "\n")
    arguments = ("--truth", table, "--dataset", "casme2", "--found", tmp_path / "found.csv")
    words = call(*arguments)
    assert "macro F1 1.000" in words and "255 clips" in words and "AU12" in words
    one = json.loads(call(*arguments, "--units", "15", "--json"))
    assert [unit["number"] for unit in one["units"]] == [15]
    assert call(*arguments, "--units", "AU15,au04") == call(*arguments, "--units", "15,4")
    for wrong in ("AU", "4,,12", "smile"):
        with pytest.raises(ConfigError, match="numbers with commas"):
            call(*arguments, "--units", wrong)
    with pytest.raises(ConfigError, match="casme2 and samm one after the other"):
        call(*arguments[:2], "--dataset", "composite", *arguments[4:])
    for name, title in (("smic", "SMIC-HS"), ("SMIC-E-VIS", "SMIC-E-VIS")):
        with pytest.raises(ConfigError, match=f"^{title} has no action units"):
            call("--truth", tmp_path, "--dataset", name, *arguments[4:])
    (tmp_path / "plain.csv").write_text("Subject,Filename\n01,EP01\n")
    with pytest.raises(DataError, match="--dataset"):
        call("--truth", tmp_path / "plain.csv", "--found", tmp_path / "found.csv")


def test_command_takes_out_what_prepare_left_out(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,action_units\na,12\nb,4\n")
    (tmp_path / "found.csv").write_text("id,AU12\na,1\n")
    sides = ("--truth", tmp_path / "truth.csv", "--found", tmp_path / "found.csv")
    assert "1 annotated clips have no result" in (words := call(*sides))
    assert "--prepared" in words
    with pytest.raises(DataError, match="hmrm datasets prepare wrote"):
        call(*sides, "--prepared", tmp_path)
    (tmp_path / "skipped.csv").write_text('what,reason\nb,"others, no class"\n')
    words = call(*sides, "--prepared", tmp_path)
    assert "1 annotated clips were excluded by prepare and do not count" in words
    assert "macro F1 1.000" in words and "have no result" not in words
    assert set(FAILURES) <= set(prepare_clip._KINDS.values())
    (tmp_path / "skipped.csv").write_text("what,reason,kind\nb,nobody is there,no face\n")
    assert "1 annotated clips have no result" in call(*sides, "--prepared", tmp_path)


def as_mapset(ids: tuple[str, ...], maps: np.ndarray, labels: np.ndarray) -> MapSet:
    return build_mapset(
        ids=ids,
        labels=labels,
        maps=maps,
        classes=CLASSES,
        crop="hmrm-1",
        channels_apart=False,
        source="synthetic",
    )


def test_weights_with_a_unit_head_write_what_score_aus_reads(tmp_path: Path) -> None:
    config = SynthConfig(with_none=True)
    maps, labels, units = synthesize_maps(config, seed=5, start=0, count=60)
    keep = labels < 3
    ids = tuple(f"synthetic/s{i:02d}/a" for i in range(int(keep.sum())))
    mapset = as_mapset(ids, maps[keep], labels[keep])
    found = predict_units("hmrm-synthetic", mapset)
    assert found is not None and found.probabilities.shape == (len(ids), 26)
    network, _ = load_model("hmrm-synthetic")
    alone = torch.from_numpy(canonical_maps(mapset)[:1])
    flipped = alone.flip(-1) * torch.tensor([-1.0, 1.0, 1.0])[:, None, None]
    with torch.inference_mode():
        twin = ((network(alone).units + network(flipped).units) / 2).sigmoid()
    np.testing.assert_allclose(found.probabilities[0], twin[0], atol=1e-5)
    write_units(tmp_path, found)
    lines = ["id,action_units"]
    for clip, row in zip(ids, units[keep], strict=True):
        named = [n.removeprefix("AU") for n, on in zip(found.units, row, strict=True) if on]
        lines.append(f"{clip},{'+'.join(named)}")
    (tmp_path / "truth.csv").write_text("\n".join(lines) + "\n")
    arguments = ("--truth", tmp_path / "truth.csv", "--found", tmp_path, "--units", "4,12")
    scores = json.loads(call(*arguments, "--json"))
    assert scores["clips"] == len(ids) and scores["macro_f1"] > 0.6
