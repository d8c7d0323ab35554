from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from hmrm import config
from hmrm.errors import ConfigError
from hmrm.records import values_formerly


@dataclass(frozen=True, kw_only=True)
class Inner:
    kernel_sizes: tuple[int, ...] = (3, 5)
    gain: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "a"
    steps: int = 10
    rule: Literal["fixed", "inner"] = "fixed"
    limit: float | None = None
    size: tuple[int, int] = (2, 3)
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError("steps must be at least 1")


outers = st.builds(
    Outer,
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    steps=st.integers(1, 10**6),
    rule=st.sampled_from(["fixed", "inner"]),
    limit=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    size=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    inner=st.builds(Inner, kernel_sizes=st.lists(st.integers(1, 9)).map(tuple)),
)


@given(value=outers)
def test_toml_round_trip(value: Outer, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("config") / "c.toml"
    path.write_text(tomli_w.dumps(config.to_mapping(value)), encoding="utf-8")
    assert config.load(Outer, path) == value
    assert config.digest(config.load(Outer, path)) == config.digest(value)


@dataclass(frozen=True, kw_only=True)
class Renamed:
    data: Literal["synthetic", "real"] = field(
        default="synthetic", metadata=values_formerly({"drawn": "synthetic"})
    )


def test_a_renamed_value_is_read_and_stands_in_digests_under_its_first_name() -> None:
    assert config.from_mapping(Renamed, {"data": "drawn"}) == Renamed()
    assert config.to_mapping(Renamed()) == {"data": "drawn"}
    assert config.to_mapping(Renamed(data="real")) == {"data": "real"}
    with pytest.raises(ConfigError, match="expected one of 'synthetic', 'real', got 'odd'"):
        config.from_mapping(Renamed, {"data": "odd"})


def test_digest_tells_values_apart() -> None:
    assert config.digest(Outer()) != config.digest(replace(Outer(), steps=11))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"stepz": 3}, "unknown key 'stepz'"),
        ({"steps": "3"}, "expected int, got '3'"),
        ({"steps": True}, "expected int, got True"),
        ({"steps": 0}, "at least 1"),
        ({"rule": "oracle"}, "expected one of 'fixed', 'inner'"),
        ({"size": [1]}, "expected 2 values, got 1"),
        ({"inner": 3}, "expected a table"),
        ({"inner": {"gian": 2.0}}, "inner: unknown key 'gian'"),
        ({"inner": {"kernel_sizes": ["x"]}}, "expected int"),
        ({"limit": "x"}, "expected float"),
    ],
)
def test_bad_tables_raise(table: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config.from_mapping(Outer, table)


def test_integers_serve_as_floats() -> None:
    assert config.from_mapping(Outer, {"limit": 2}).limit == 2.0


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        config.load(Outer, tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match="is not TOML"):
        config.load(Outer, tmp_path / "broken.toml")
