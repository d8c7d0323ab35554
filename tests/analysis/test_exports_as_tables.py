"""Exports as tables, read back by readers of their own: equal to the frame."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hmrm.analysis.export import bids, json_file, openface, parquet, summary, tiers
from hmrm.analysis.export.formats import FORMATS, export_results
from hmrm.analysis.record import Analysis
from hmrm.errors import InputError, MissingExtraError, OutputError
from tests.analysis.analyses_to_export import CASES, frames_of

each = pytest.mark.parametrize("analysis", CASES.values(), ids=CASES.keys())
FRAMES = ["face_id", "onset_frame", "apex_frame", "offset_frame"]


def rows(table: pd.DataFrame) -> set[tuple[int, ...]]:
    return set(table[FRAMES].astype(int).itertuples(index=False, name=None))


def times(analysis: Analysis) -> np.ndarray:
    return as_times([[e.onset_s, e.apex_s, e.offset_s] for e in analysis.events])


def as_times(values: object) -> np.ndarray:
    return np.array(values, np.float64).reshape(-1, 3)


@each
def test_pandas_takes_the_tables(analysis: Analysis) -> None:
    events = pd.DataFrame(analysis.events_table())
    assert rows(events) == frames_of(analysis) and len(events) == len(analysis.events)
    assert np.array_equal(as_times(events[["onset_s", "apex_s", "offset_s"]]), times(analysis))
    labels = [None if pd.isna(label) else label for label in events["class"]]
    assert labels == [event.label for event in analysis.events]
    frames = pd.DataFrame(analysis.frames_table())
    assert frames["frame_index"].tolist() == [frame.index for frame in analysis.frames]
    assert frames["timestamp"].tolist() == [frame.time_s for frame in analysis.frames]
    assert events["onset_frame"].dtype == frames["frame_index"].dtype == np.int64


def test_what_was_not_measured_is_missing() -> None:
    events = pd.DataFrame(CASES["overlapping"].events_table())
    assert events["peak_motion_px"].isna().tolist() == [False, False, True, False, False]
    frames = pd.DataFrame(CASES["two"].frames_table())
    assert frames["motion_left_mouth_corner"].isna().sum() == 100 - 34 - 1
    assert 7 not in set(frames["frame_index"])


@pytest.fixture(scope="module")
def bids_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bids") / "set"
    bids.write(folder, list(CASES.values()))
    return folder


def test_bids_reads_back(bids_folder: Path) -> None:
    participants = pd.read_csv(bids_folder / "participants.tsv", sep="\t")
    assert participants["source"].tolist() == [one.source for one in CASES.values()]
    assert participants["participant_id"].str.fullmatch("sub-[A-Za-z0-9]+").all()
    assert participants["participant_id"].is_unique
    for label, analysis in zip(participants["participant_id"], CASES.values(), strict=True):
        stem = bids_folder / label / "beh" / f"{label}_task-video_events"
        table = pd.read_csv(stem.with_suffix(".tsv"), sep="\t", na_values="n/a")
        assert list(table)[:3] == ["onset", "duration", "trial_type"]
        assert rows(table) == frames_of(analysis) and table["onset"].is_monotonic_increasing
        found = sorted(as_times(table[["onset", "apex_s", "offset_s"]]).tolist())
        assert as_times(found) == pytest.approx(
            as_times(sorted(times(analysis).tolist())), abs=1e-6
        )
        assert (table["onset"] + table["duration"]).tolist() == pytest.approx(table["offset_s"])
        sidecar = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        assert sidecar["Counting"].startswith(tiers.RULE) and set(table) <= set(sidecar)
        assert sidecar["onset"]["Units"] == "s"


def test_the_bids_validator_finds_no_error(bids_folder: Path, tmp_path: Path) -> None:
    import bids_validator_deno
    from deno import find_deno_bin

    bundle = Path(bids_validator_deno.__file__).with_name("bids-validator.js")
    done = subprocess.run(
        [find_deno_bin(), "run", "--no-prompt", "--allow-read", "--allow-env", "--deny-net",
         bundle, bids_folder, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(tmp_path), "DENO_DIR": str(tmp_path)},
    )  # fmt: skip
    found = json.loads(done.stdout)
    errors = [one for one in found["issues"]["issues"] if one["severity"] == "error"]
    assert not errors and done.returncode == 0, done.stderr
    assert len(found["summary"]["subjects"]) == len(CASES)


@each
def test_an_openface_table_reads_back(analysis: Analysis, tmp_path: Path) -> None:
    path, sidecar = openface.write(tmp_path / "clip.csv", analysis)
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"events": str})
    assert next(iter(table)) == "frame" and (table["frame"] == table["frame_index"] + 1).all()
    assert table["frame_index"].is_monotonic_increasing
    for number, event in enumerate(analysis.events, 1):
        held = table["events"].fillna("").str.split(";").map(lambda e, n=str(number): n in e)
        of_it = table[held]
        assert set(of_it["face_id"]) == {event.face_id}
        assert of_it["frame_index"].min() == event.onset_index
        assert of_it["frame_index"].max() == event.offset_index
        at = of_it.set_index("frame_index")["timestamp"]
        assert at[[event.onset_index, event.offset_index]].tolist() == pytest.approx(
            [event.onset_s, event.offset_s], abs=1e-6
        )
    lost = table[(table["frame_index"] == 7) & (table["success"] == 1)]
    assert lost.empty
    text = json.loads(sidecar.read_text(encoding="utf-8"))
    assert text["counting"].startswith(tiers.RULE) and set(text["columns"]) == set(table)
    assert "from 1" in text["columns"]["frame"]["description"]


@each
def test_json_fits_its_schema_and_reads_back(analysis: Analysis, tmp_path: Path) -> None:
    path, schema_path = json_file.write(tmp_path / "clip.json", analysis)
    content, schema = (json.loads(one.read_text(encoding="utf-8")) for one in (path, schema_path))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    assert content["$schema"] == schema["$id"] == json_file.SCHEMA_ID
    assert content["counting"].startswith(tiers.RULE)
    assert rows(pd.DataFrame(content["events"], columns=[*FRAMES, "onset_s"])) == frames_of(
        analysis
    )
    found = [[e["onset_s"], e["apex_s"], e["offset_s"]] for e in content["events"]]
    assert as_times(found) == pytest.approx(times(analysis), abs=1e-6)
    assert [e["flags"] for e in content["events"]] == [list(e.flags) for e in analysis.events]
    assert content["frames"]["frame_index"] == [f.index for f in analysis.frames]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"version": "2.0"}, schema)
    shipped = resources.files("hmrm.analysis.export") / json_file.SCHEMA
    assert shipped.read_text(encoding="utf-8") == schema_path.read_text(encoding="utf-8")


@each
def test_parquet_reads_back(analysis: Analysis, tmp_path: Path) -> None:
    import pyarrow.parquet

    events_path, frames_path = parquet.write(tmp_path / "clip_events.parquet", analysis)
    assert frames_path.name == "clip_frames.parquet"
    events = pd.read_parquet(events_path)
    assert rows(events) == frames_of(analysis)
    assert np.array_equal(as_times(events[["onset_s", "apex_s", "offset_s"]]), times(analysis))
    frames = pd.read_parquet(frames_path)
    assert frames["frame_index"].tolist() == [frame.index for frame in analysis.frames]
    for path in (events_path, frames_path):
        metadata = pyarrow.parquet.read_schema(path).metadata
        assert metadata[b"hmrm:counting"].decode().startswith(tiers.RULE)
        assert metadata[b"hmrm:source"].decode() == analysis.source
    kinds = pyarrow.parquet.read_schema(events_path)
    assert str(kinds.field("onset_frame").type) == "int64"
    assert str(kinds.field("class").type) == "string"


def test_a_summary_counts_per_video_face_and_minute(tmp_path: Path) -> None:
    path, sidecar = summary.write(tmp_path / "summary.csv", list(CASES.values()))
    table = pd.read_csv(path)
    assert json.loads(sidecar.read_text(encoding="utf-8"))["counting"].startswith(tiers.RULE)
    of_video = table[table["scope"] == "video"]
    assert of_video["events"].tolist() == [len(one.events) for one in CASES.values()]
    assert of_video["last_frame"].tolist() == [one.frame_count - 1 for one in CASES.values()]
    for scope in ("face", "minute"):
        found = table[table["scope"] == scope].groupby("source")["events"].sum()
        assert found.sum() == sum(len(one.events) for one in CASES.values())
    minutes = pd.DataFrame(summary_of("minutes"))
    minutes = minutes[minutes["scope"] == "minute"]
    assert minutes["events"].tolist() == [1, 0, 1]
    assert minutes[["first_frame", "last_frame"]].to_numpy().tolist() == [
        [0, 119],
        [120, 239],
        [240, 299],
    ]
    assert minutes[["start_s", "end_s"]].to_numpy().tolist() == [[0, 60], [60, 120], [120, 150]]


def summary_of(name: str) -> dict[str, np.ndarray]:
    from hmrm.analysis.export.tables import summary_table

    return summary_table(CASES[name])


def test_stills_have_no_rate_per_minute() -> None:
    table = pd.DataFrame(summary_of("stills"))
    assert table["events_per_min"].isna().all() and table["followed_frames"].isna().all()


@each
def test_a_figure_shows_every_face_and_event(analysis: Analysis) -> None:
    figure = analysis.plot()
    assert isinstance(figure, Figure)
    faces = {f.face_id for f in analysis.frames} | {e.face_id for e in analysis.events}
    assert len(figure.axes) == max(len(faces), 1)
    assert sum(len(axes.texts) for axes in figure.axes) == len(analysis.events)
    figure.canvas.draw()


def test_a_figure_breaks_off_where_nothing_was_measured() -> None:
    even = CASES["two"]
    some = tuple(f for f in even.frames if not 40 <= f.index < 60)
    [axes] = replace(even, frames=some, events=(), images=()).plot().axes
    assert np.isnan(axes.lines[0].get_ydata()).sum() == 1


@pytest.mark.parametrize("module", ["pyarrow", "matplotlib.figure"])
def test_a_missing_package_is_named(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match="pip install"):
        if module == "pyarrow":
            CASES["two"].export(tmp_path / "x.parquet", "parquet")
        else:
            CASES["two"].plot()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_an_analysis_exports_itself(name: str, tmp_path: Path) -> None:
    path = tmp_path / ("x" + (FORMATS[name].ending if name != "bids" else ""))
    written = CASES["odd-names"].export(path, name)
    assert written and all(one.is_file() for one in written)
    there = {one for one in tmp_path.rglob("*") if one.is_file()}
    assert there == set(written)
    before = {one: one.read_bytes() for one in written}
    CASES["odd-names"].export(path, name)
    assert before == {one: one.read_bytes() for one in written}


def test_unknown_formats_and_unwritable_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose among elan, textgrid"):
        CASES["two"].export(tmp_path / "x", "xlsx")
    with pytest.raises(InputError, match="needs the video"):
        CASES["two"].export(tmp_path / "x.mp4", "mp4")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        CASES["two"].export(tmp_path / "file" / "x.eaf", "elan")


def test_names_of_a_run_stay_apart(tmp_path: Path) -> None:
    results = {"a": CASES["two"], "a_frames": CASES["overlapping"], "summary": CASES["two"]}
    written = export_results(results, tmp_path, list(FORMATS))
    once = [path for name, paths in written.items() for path in paths]
    assert len(once) == len(set(once)) == sum(1 for p in tmp_path.rglob("*") if p.is_file())
