"""Records to JSON and back: the same values, the same bytes, and errors that name file and key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm import records
from hmrm.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Score:
    mean: float
    sd: float | None
    by_seed: tuple[float, ...] = ()

    WRITTEN_TOO: ClassVar = ("per_cent",)

    @property
    def per_cent(self) -> float:
        return 100 * self.mean


@dataclass(frozen=True, kw_only=True)
class Origin:
    commit: str
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Made:
    by: str


@dataclass(frozen=True, kw_only=True)
class Result:
    name: str
    rule: Literal["fixed", "inner"]
    scores: Mapping[str, Score]
    pair: tuple[int, str]
    epochs: int | records.Absent | None = records.Absent.ABSENT
    config: Origin | Made
    origin: Origin = field(metadata=records.INLINE)
    kept: tuple[int, ...] = field(default=(), metadata=records.NOT_WRITTEN)


@dataclass(frozen=True, kw_only=True)
class Table:
    name: str
    options: Mapping[str, float] = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class Whole:
    rows: tuple[int, ...]
    origin: Origin | None = field(metadata=records.INLINE)


def result(**changes):
    given = {
        "name": "a",
        "rule": "fixed",
        "scores": {"composite": Score(mean=0.5, sd=None)},
        "pair": (1, "x"),
        "config": Made(by="b"),
        "origin": Origin(commit="c"),
    }
    return Result(**{**given, **changes})


PLAIN = {
    "name": "a",
    "rule": "fixed",
    "scores": {"composite": {"mean": 0.5, "sd": None, "by_seed": [], "per_cent": 50.0}},
    "pair": [1, "x"],
    "config": {"by": "b"},
    "commit": "c",
}


def test_the_plain_form_has_the_fields_in_their_order():
    plain = records.to_json(result(kept=(3,)))
    assert plain == PLAIN
    assert list(plain) == list(PLAIN)


@pytest.mark.parametrize("epochs", [records.Absent.ABSENT, None, 3])
def test_absent_null_and_a_value_are_three_things(epochs):
    plain = records.to_json(result(epochs=epochs))
    assert plain.get("epochs", records.Absent.ABSENT) == epochs
    assert records.from_json(Result, plain, where="x").epochs == epochs


def test_what_is_none_by_default_is_left_out():
    assert records.to_json(Origin(commit="c")) == {"commit": "c"}
    assert records.to_json(Origin(commit="c", note="n")) == {"commit": "c", "note": "n"}


def test_a_mapping_inline_takes_the_keys_that_no_field_has():
    table = Table(name="svm", options={"cost": 2.0})
    assert records.to_json(table) == {"name": "svm", "cost": 2.0}
    assert records.from_json(Table, {"name": "svm", "cost": 2}, where="x") == table


def test_a_record_inline_may_be_missing():
    for whole in (Whole(rows=(1,), origin=None), Whole(rows=(), origin=Origin(commit="c"))):
        assert records.from_json(Whole, records.to_json(whole), where="x") == whole
    assert records.to_json(Whole(rows=(1,), origin=None)) == {"rows": [1]}


finite = st.floats(allow_nan=False, allow_infinity=False)
scores = st.builds(Score, mean=finite, sd=st.none() | finite, by_seed=st.lists(finite).map(tuple))
results = st.builds(
    Result,
    name=st.text(),
    rule=st.sampled_from(["fixed", "inner"]),
    scores=st.dictionaries(st.text(), scores, max_size=3),
    pair=st.tuples(st.integers(), st.text()),
    epochs=st.sampled_from([records.Absent.ABSENT, None, 1]),
    config=st.builds(Origin, commit=st.text(), note=st.none() | st.text())
    | st.builds(Made, by=st.text()),
    origin=st.builds(Origin, commit=st.text(), note=st.none() | st.text()),
    kept=st.just(()),
)


@given(value=results)
def test_round_trip_through_text(value):
    text = records.dumps(value)
    again = records.from_json(Result, json.loads(text), where="x")
    assert again == value
    assert records.dumps(again) == text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, r"r\.json: name: expected str, got None"),
        ({"rule": "oracle"}, r"r\.json: rule: expected one of 'fixed', 'inner', got 'oracle'"),
        ({"scores": [1]}, r"r\.json: scores: expected a table"),
        ({"scores": {"composite": {"sd": 1.0}}}, r"r\.json: scores: composite: has no 'mean'"),
        ({"scores": {"a": {"mean": "x", "sd": None}}}, r"scores: a: mean: expected float"),
        ({"pair": [1]}, r"r\.json: pair: expected 2 values, got 1"),
        ({"config": {}}, r"config: has no 'commit'; or .*r\.json: config: has no 'by'"),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, changes, words):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**PLAIN, **changes}))
    with pytest.raises(DataError, match=words):
        records.read(Result, path)


@pytest.mark.parametrize("key", ["name", "rule", "scores", "pair", "config", "commit"])
def test_a_missing_key_is_named(tmp_path: Path, key):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({k: v for k, v in PLAIN.items() if k != key}))
    with pytest.raises(DataError, match=rf"r\.json: has no '{key}'"):
        records.read(Result, path)


def test_files_that_are_no_json_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"r\.json: cannot be read"):
        records.read(Result, tmp_path / "r.json")
    (tmp_path / "r.json").write_text('{"name": ')
    with pytest.raises(DataError, match=r"r\.json: damaged"):
        records.read(Result, tmp_path / "r.json")
    (tmp_path / "r.json").write_text("[]")
    with pytest.raises(DataError, match=r"r\.json: expected a table"):
        records.read(Result, tmp_path / "r.json")


def test_keys_of_a_later_version_are_passed_over():
    plain = {**PLAIN, "later": 1, "scores": {"a": {"mean": 1, "sd": None, "later": 2}}}
    found = records.from_json(Result, plain, where="x")
    assert found.scores["a"] == Score(mean=1.0, sd=None)


def test_values_without_a_plain_form_are_refused():
    with pytest.raises(AssertionError, match="set has no plain form"):
        records.to_json({"a": {1}})
