import json
from pathlib import Path

import pytest

from hmrm import run_folder
from hmrm.errors import ConfigError, DataError

SETTINGS = {"flow": "dis", "network": {"width": 8, "levels": [1, 2]}}
OTHERS = {"flow": "dis", "network": {"width": 9, "levels": [1, 2], "heads": 2}}


@pytest.mark.parametrize("name", ["run.json", "run.toml"])
def test_the_first_start_claims_and_the_second_knows_it(tmp_path: Path, name: str) -> None:
    assert not run_folder.claim(tmp_path / "new", name, SETTINGS)
    written = (tmp_path / "new" / name).read_bytes()
    assert run_folder.claim(tmp_path / "new", name, SETTINGS)
    assert (tmp_path / "new" / name).read_bytes() == written


def test_other_settings_are_refused_value_by_value(tmp_path: Path) -> None:
    run_folder.claim(tmp_path, "run.toml", SETTINGS)
    with pytest.raises(ConfigError) as error:
        run_folder.claim(tmp_path, "run.toml", OTHERS, advice="go away")
    assert "(network.width was 8, now 9; network.heads was absent, now 2)" in str(error.value)
    assert str(error.value).endswith("go away")


def test_long_values_are_cut_in_the_message(tmp_path: Path) -> None:
    run_folder.claim(tmp_path, "run.json", {"folds": ["a"] * 100})
    with pytest.raises(ConfigError) as error:
        run_folder.claim(tmp_path, "run.json", {"folds": ["b"] * 100})
    assert len(str(error.value)) < len(str(tmp_path)) + 250


def test_a_folder_without_results_takes_other_settings(tmp_path: Path) -> None:
    run_folder.claim(tmp_path, "run.json", SETTINGS)
    assert not run_folder.claim(tmp_path, "run.json", OTHERS, holds_results=lambda _: False)
    assert json.loads((tmp_path / "run.json").read_text()) == OTHERS


def test_an_identity_inside_a_file_of_results_stays_as_it_is(tmp_path: Path) -> None:
    content = json.dumps({"made_from": SETTINGS, "clips": 3})
    (tmp_path / "run.json").write_text(content)
    assert run_folder.claim(tmp_path, "run.json", SETTINGS, key="made_from")
    assert (tmp_path / "run.json").read_text() == content
    with pytest.raises(ConfigError, match="other settings"):
        run_folder.claim(tmp_path, "run.json", OTHERS, key="made_from")


@pytest.mark.parametrize("content", ["", "[]", '{"other": 1}'])
def test_an_unreadable_identity_is_nobodys(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ConfigError, match="unreadable"):
        run_folder.claim(tmp_path, "run.json", SETTINGS, key="made_from")


def test_other_things_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="not empty and not a run"):
        run_folder.claim(tmp_path, "run.json", SETTINGS, external_files=False)
    assert not run_folder.claim(tmp_path, "run.json", SETTINGS)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    run_folder.claim(tmp_path, "run.json", SETTINGS)
    (tmp_path / "folds").mkdir()
    (tmp_path / "folds/.x.99.partial.json").write_text("{")
    (tmp_path / "folds/x.json").write_text("{}")
    run_folder.claim(tmp_path, "run.json", SETTINGS)
    assert [path.name for path in (tmp_path / "folds").iterdir()] == ["x.json"]


@pytest.mark.parametrize("name", ["new", "new/below", "there"])
def test_a_block_that_fails_before_it_made_anything_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "other.txt").write_text("somebody's")
    before = sorted(tmp_path.rglob("*"))
    with (
        pytest.raises(DataError),
        run_folder.claimed(tmp_path / name, "run.toml", SETTINGS, more=("plan.toml",)) as resumed,
    ):
        assert not resumed
        (tmp_path / name / "plan.toml").write_text("")
        raise DataError("damaged")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_block_made_before_it_failed_stays(tmp_path: Path) -> None:
    with pytest.raises(DataError), run_folder.claimed(tmp_path / "new", "run.toml", SETTINGS):
        (tmp_path / "new" / "fold.json").write_text("")
        raise DataError("damaged")
    with (
        pytest.raises(DataError),
        run_folder.claimed(tmp_path / "new", "run.toml", SETTINGS) as resumed,
    ):
        assert resumed
        raise DataError("damaged")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"run.toml", "fold.json"}
