"""Every heading on synthetic data states that they are."""

from pathlib import Path

from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.datasets.maps.importers import load_maps
from hmrm.datasets.synthetic_mark import FILE_NAME, is_synthetic


def call(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_headings_of_checks_and_runs_name_synthetic_maps(tmp_path: Path) -> None:
    for layout in ("flat", "folds", "prepared"):
        maps = tmp_path / layout
        call("datasets", "synthesize", "maps", "-o", maps, "--layout", layout, "--clips", "3")
        assert call("datasets", "check", maps).startswith("SYNTHETIC DATA: no face here")
        assert '"code": "synthetic"' in call("datasets", "check", maps, "--json")
    call("datasets", "check", tmp_path / "folds", "--strict")
    run = tmp_path / "run"
    out = call("evaluate", "--model", "svm-linear", "--data", tmp_path / "flat", "-o", run)
    assert out.startswith("SYNTHETIC DATA: svm-linear")
    call("report", run, "-o", tmp_path / "report")
    pages = [p.read_text() for p in (tmp_path / "report").rglob("*.html")]
    assert pages
    assert all("SYNTHETIC DATA: Recognition of micro-expressions" in page for page in pages)


def test_data_without_the_mark_are_not_called_synthetic(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    call("datasets", "synthesize", "maps", "-o", maps, "--clips", "3")
    assert is_synthetic(maps) and is_synthetic(maps / "labels.csv")
    (maps / FILE_NAME).unlink()
    assert not is_synthetic(maps)
    assert all(issue.code != "synthetic" for issue in load_maps(maps).issues)
    assert "SYNTHETIC" not in call("datasets", "check", maps)


def test_a_synthetic_data_set_is_named_by_its_check(tmp_path: Path) -> None:
    root = tmp_path / "casme2"
    call(*("datasets", "synthesize", "casme2", "-o", root, "--subjects", "1", "--no-frames"))
    out = call("datasets", "check", "casme2", root, "--table-only")
    assert out.startswith("SYNTHETIC DATA: no face here is a person's")
