"""hmrm export, from outside: results of analyze and spot, into every format."""

import json
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pympi
import pytest
from typer.testing import CliRunner, Result

from hmrm.analysis.export import parquet
from hmrm.analysis.export.formats import FORMATS
from hmrm.analysis.read import read_analysis
from hmrm.analysis.saved import save
from hmrm.cli.main import app
from hmrm.errors import InputError, OutputError
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video
from tests.analysis.analyses_to_export import CASES

NAME = 'Üb "1" <a>=b'


def hmrm(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--no-progress"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smile at a variable rate under an odd name, analysed and spotted."""
    folder = tmp_path_factory.mktemp("export")
    clip = demo_clip()
    images = [clip.frame(i).image for i in range(165, 235)]
    steps = np.resize([0.008, 0.012, 0.009, 0.011], len(images))
    times = np.cumsum(steps) - steps[0] + 0.25
    write_video(folder / f"{NAME}.mp4", images, 100.0, times_s=times.tolist())
    done = hmrm("analyze", folder / f"{NAME}.mp4", "-o", folder / "analyzed")
    assert done.exit_code == 0, done.output
    done = hmrm("spot", folder / f"{NAME}.mp4", "-o", folder / "spotted")
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("command", ["analyzed", "spotted"])
def test_everything_is_written_of_both(command: str, folder: Path, tmp_path: Path) -> None:
    video = folder / f"{NAME}.mp4"
    done = hmrm(
        "export", folder / command, "--format", "all", "-o", tmp_path / "out",
        "--video", video, "--blur-faces",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert all(f"{name} (" in done.output for name in (*FORMATS, "mp4"))
    assert "codec: H.264, encoded by x264 (GPL" in done.output
    assert "blurred whole: 0 frames without a tracked face" in done.output
    results = folder / command / (NAME if command == "spotted" else "")
    found = read_analysis(results)
    [event] = found.events
    frames = (event.onset_index, event.apex_index, event.offset_index)
    eaf = pympi.Elan.Eaf(str(tmp_path / "out" / f"{NAME}.eaf"))
    [(start, end, text, _)] = eaf.get_ref_annotation_data_for_tier("face 0 frames")
    assert text == "onset {}, apex {}, offset {}".format(*frames)
    assert (start, end) == (round(1000 * event.onset_s), round(1000 * event.offset_s))
    table = pd.read_csv(results / "events.csv")
    assert tuple(table.loc[0, ["onset_frame", "apex_frame", "offset_frame"]]) == frames
    assert table.loc[0, "onset_s"] == pytest.approx(event.onset_s, abs=1e-6)
    rows = pd.read_csv(results / "frames.csv").set_index("frame_index")
    assert rows.loc[event.apex_index, "timestamp"] == pytest.approx(event.apex_s, abs=1e-6)
    assert list(rows.index) == list(range(70))
    with av.open(str(tmp_path / "out" / f"{NAME}_annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 70


def test_spotting_states_seconds(folder: Path) -> None:
    content = json.loads((folder / "spotted" / "spotting.json").read_text())
    [interval] = content["videos"][0]["intervals"]
    [event] = read_analysis(folder / "spotted" / NAME).events
    assert [interval[f"{n}_s"] for n in ("onset", "apex", "offset")] == pytest.approx(
        [event.onset_s, event.apex_s, event.offset_s], abs=1e-6
    )


def test_another_video_is_refused(folder: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "x.mp4", [np.zeros((48, 64, 3), np.uint8)] * 5, 25.0)
    done = hmrm("export", folder / "analyzed", "-f", "mp4", "--video", tmp_path / "x.mp4",
                "-o", tmp_path / "out")  # fmt: skip
    assert isinstance(done.exception, InputError)
    assert "not the video that was analysed" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in ("two", "overlapping"):
        save(tmp_path / "results" / name, CASES[name])
    return tmp_path / "results"


def test_all_names_what_it_cannot_write(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> bool:
        return False

    kind = FORMATS["parquet"]
    monkeypatch.setitem(FORMATS, "parquet", type(kind)(**{**vars(kind), "is_installed": missing}))  # type: ignore[index]
    done = hmrm("export", results, "--format", "all")
    assert done.exit_code == 0, done.output
    assert "not written: parquet, which needs pip install 'hmrm[parquet]'" in done.output
    assert "not written: mp4, which needs the video" in done.output
    written = {path.name for path in (results / "exports").iterdir()}
    assert {"two.eaf", "overlapping.eaf", "hmrm.boris", "bids", "summary.csv"} <= written
    assert not any(name.endswith(".parquet") for name in written) and parquet.is_installed()
    assert hmrm("export", results, "--format", "webvtt").exit_code == 0  # exports are no results


def test_formats_are_named_with_commas_or_again(results: Path, tmp_path: Path) -> None:
    done = hmrm("export", results, "-f", "elan,webvtt", "-f", "summary", "-o", tmp_path / "o")
    assert done.exit_code == 0, done.output
    assert {path.suffix for path in (tmp_path / "o").iterdir()} == {".eaf", ".vtt", ".csv", ".json"}


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["-f", "xlsx"], InputError, "unknown; choose among elan"),
        (["-f", "mp4"], InputError, "give --video VIDEO"),
        (["-f", "elan", "-o", "{there}/file"], OutputError, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    words: list[str], error: type[Exception], message: str, results: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("somebody's")
    done = hmrm("export", results, *(word.replace("{there}", str(tmp_path)) for word in words))
    assert isinstance(done.exception, error) and message in str(done.exception)
    assert (tmp_path / "file").read_text() == "somebody's"
    assert not (results / "exports").exists()


@pytest.mark.parametrize("words", [["--blur-faces"], ["--video", "x.mp4"]])
def test_what_is_for_the_mp4_alone_is_said_to_be(words: list[str], results: Path) -> None:
    done = hmrm("export", results, "-f", "elan", *words)
    assert done.exit_code == 2 and "give --format mp4" in done.output
    assert not (results / "exports").exists()


def test_help_begins_with_a_sentence_and_an_example() -> None:
    text = CliRunner().invoke(app, ["export", "--help"]).output
    assert "Write results as files for ELAN, Praat, BORIS" in text
    assert "hmrm export results --format elan" in text
