"""From synthetic data sets to maps: right content, resumable, every skip with its reason."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.datasets.annotations.folders import numbered_frames
from hmrm.datasets.annotations.workbook import Notes
from hmrm.datasets.frames import frames_of
from hmrm.datasets.load import LoadOptions
from hmrm.datasets.maps.importers import load_maps
from hmrm.datasets.preparation.plan import PrepareConfig
from hmrm.datasets.preparation.prepare_clip import ClipSettings, Job
from hmrm.datasets.preparation.run import prepare
from hmrm.datasets.preparation.supplied_points import read_points
from hmrm.errors import ConfigError, DataError, InputError
from hmrm.flow.aligned_frames import read_aligned_frames
from hmrm.flow.apex import APEX_RULES
from hmrm.flow.estimate import ESTIMATORS, weights_sha256
from hmrm.flow.gru_aofe.estimator import GruAofeFlow
from hmrm.flow.mapset import with_frame_files
from hmrm.synthetic.datasets.composite import synthetic_casme2, synthetic_samm, synthetic_smic
from hmrm.synthetic.datasets.long_videos import synthetic_samm_lv
from hmrm.synthetic.datasets.writer import write_points, write_synthetic

QUICK = ClipSettings(flow="farneback")
PARTS = (synthetic_casme2().first(6), synthetic_samm().first(3), synthetic_smic().first(3))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic")
    points = {}
    for part in PARTS:
        points |= write_synthetic(root, part)
    write_points(root / "faces.csv", points)
    return root


def settings(root: Path, **changes) -> PrepareConfig:
    return PrepareConfig(clip=replace(QUICK, **changes), faces=root / "faces.csv")


@pytest.fixture(scope="module")
def made(synthetic: Path, tmp_path_factory: pytest.TempPathFactory):
    output = tmp_path_factory.mktemp("made")
    return output, prepare("composite", synthetic, output, settings(synthetic))


def contents(folder: Path) -> dict[str, object]:
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "prepare.json"]
    found: dict[str, object] = {str(p.relative_to(folder)): p.read_bytes() for p in files}
    summary = json.loads((folder / "prepare.json").read_text())
    # The checkout may be committed to while tests run.
    summary["provenance"].pop("commit")
    return {**found, "prepare.json": summary}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_maps_have_the_ids_labels_and_motion_that_were_synthesized(made) -> None:
    output, report = made
    maps = load_maps(output)
    truth = {r.id: r for part in PARTS for r in part.records}
    assert set(maps.ids) == set(report.clips) == set(truth)
    assert maps.crop == "hmrm-1" and not maps.channels_apart
    for name, label, values in zip(maps.ids, maps.labels, maps.maps, strict=True):
        negative = truth[name].emotion in ("negative", "disgust", "anger")
        assert label == (0 if negative else {"happiness": 1, "surprise": 2}[truth[name].emotion])
        # Rendered brows come down, and brows lie in the crop's upper fifth.
        if negative:
            assert values[1, 1:6, 6:22].mean() > 0.5


def test_what_was_done_is_written_beside_the_maps(made) -> None:
    output, report = made
    rows = {row["id"]: row for row in rows_of(output / "clips.csv")}
    assert {row["face"] for row in rows.values()} == {"given"}
    assert rows["casme2/sub01/EP01_01f"]["apex_file"] == "img44.jpg"
    assert rows["casme2/sub01/EP01_01f"]["apex_rule"] == "annotated"
    assert rows["smic/s01/s01_ne_01"]["apex_rule"] == "difference"
    summary = json.loads((output / "prepare.json").read_text())
    assert summary["clips"] == len(report.clips) == 12
    assert summary["apex_rules"] == {"annotated": 9, "difference": 3}
    assert (output / "faces/smic/s01/s01_ne_01_apex.png").is_file()


def test_apex_of_smic_is_found_within_a_frame(made) -> None:
    output, _ = made
    rows = {row["id"]: row for row in rows_of(output / "clips.csv")}
    for clip in PARTS[2].clips:
        found = int(rows[clip.record.id]["apex_file"].removeprefix("image")[:-4])
        assert abs(found - clip.apex) <= 1
        assert rows[clip.record.id]["apex_frame"] == str(found)


@pytest.mark.parametrize("rule", sorted(APEX_RULES))
def test_clips_table_tells_by_which_rule_the_apex_was_found(
    rule: str, synthetic: Path, tmp_path: Path
) -> None:
    report = prepare("smic", synthetic, tmp_path, settings(synthetic, apex=rule))
    rows = {row["id"]: row for row in rows_of(tmp_path / "clips.csv")}
    assert {row["apex_rule"] for row in rows.values()} == {rule}
    for clip in PARTS[2].clips:
        assert abs(int(rows[clip.record.id]["apex_frame"]) - clip.apex) <= 1
    assert len(report.clips) == 3


def test_clips_whose_emotions_stand_elsewhere_say_where(tmp_path: Path) -> None:
    synthetic = synthetic_samm_lv()
    write_synthetic(tmp_path, synthetic, images="blank")
    (tmp_path / "SAMMLV/SAMM/SAMM_Micro_FACS_Codes_v2.xlsx").unlink()
    with pytest.raises(DataError, match=r"stands in SAMM_Micro_FACS_Codes_v2\.xlsx"):
        prepare("samm-lv", tmp_path, tmp_path / "maps", PrepareConfig())


def test_the_middle_rule_takes_the_middle(synthetic: Path, tmp_path: Path) -> None:
    prepare("smic", synthetic, tmp_path, settings(synthetic, apex="middle"))
    row = rows_of(tmp_path / "clips.csv")[0]
    assert row["apex_rule"] == "middle"
    assert int(row["apex_file"][5:-4]) == int(row["onset_frame"]) + 4


def test_a_second_run_makes_nothing_and_changes_nothing(made, synthetic: Path) -> None:
    output, _ = made
    before = contents(output)
    assert prepare("composite", synthetic, output, settings(synthetic)).made == 0
    assert contents(output) == before
    (output / "flow/smic/s01/s01_ne_01.npz").write_bytes(b"half a file")
    assert prepare("composite", synthetic, output, settings(synthetic)).made == 1
    assert contents(output) == before


def test_changed_pictures_are_prepared_again(synthetic: Path, tmp_path: Path) -> None:
    root, output = tmp_path / "data", tmp_path / "out"
    shutil.copytree(synthetic, root)
    requested = settings(root)
    prepare("composite", root, output, requested)
    before = contents(output)
    clips = {c.record.id: root / c.folder for part in PARTS for c in part.clips}
    # An annotated apex, and one frame among those of which one is to become the apex.
    (apex,) = clips["casme2/sub01/EP01_01f"].glob("*44.jpg")
    among = sorted(clips["smic/s01/s01_ne_01"].iterdir())[2]
    originals = {path: path.read_bytes() for path in (apex, among)}
    for path in originals:
        cv2.imwrite(str(path), cv2.flip(cv2.imread(str(path)), 1))
    assert prepare("composite", root, output, requested).made == 2
    assert contents(output) != before
    for path, content in originals.items():
        path.write_bytes(content)
    assert prepare("composite", root, output, requested).made == 2
    assert contents(output) == before
    # A copy elsewhere, with other times of change, is the same data set.
    moved = root.rename(tmp_path / "moved")
    assert prepare("composite", moved, output, settings(moved)).made == 0


def test_a_frame_without_a_say_may_be_unreadable(synthetic: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(synthetic, root)
    frame = sorted((root / PARTS[2].clips[0].folder).iterdir())[2]
    frame.unlink()
    frame.symlink_to(tmp_path / "nowhere.bmp")
    requested = settings(root, apex="middle")
    assert prepare("smic", root, tmp_path / "out", requested).made == 3
    assert prepare("smic", root, tmp_path / "out", requested).made == 0


def test_new_weights_of_an_estimator_make_another_result(tmp_path: Path, monkeypatch) -> None:
    job = Job(
        record=PARTS[0].records[0],
        label=0,
        folder=tmp_path,
        output=tmp_path,
        settings=ClipSettings(flow="trained"),
    )
    digests = set()
    for content in (b"old", b"new"):
        weights = tmp_path / f"{content.decode()}.safetensors"
        weights.write_bytes(content)
        monkeypatch.setitem(ESTIMATORS, "trained", partial(GruAofeFlow, weights=weights))
        digests.add(job.digest)
        weights_sha256.cache_clear()
    assert len(digests) == 2


def test_a_folder_made_otherwise_is_refused_and_left_as_it_is(made, synthetic: Path) -> None:
    output, _ = made
    before = contents(output)
    for name, change, words in [
        ("composite", {"flow": "dis"}, "flow was 'farneback', now 'dis'"),
        ("composite", {"apex": "middle"}, "apex was 'difference', now 'middle'"),
        ("smic", {}, "dataset was 'composite', now 'smic'"),
    ]:
        with pytest.raises(ConfigError, match=words) as error:
            prepare(name, synthetic, output, settings(synthetic, **change))
        assert "another folder with -o" in str(error.value)
    assert contents(output) == before


def test_a_folder_without_results_takes_other_settings(synthetic: Path, tmp_path: Path) -> None:
    write_synthetic(tmp_path / "empty", synthetic_casme2().first(2), images="none")
    with pytest.raises(DataError, match="not one clip"):
        prepare("casme2", tmp_path / "empty", tmp_path / "out", settings(synthetic))
    report = prepare("smic", synthetic, tmp_path / "out", settings(synthetic))
    assert (report.made, report.removed) == (3, 0)


def test_what_clips_no_longer_there_left_behind_is_removed(synthetic: Path, tmp_path: Path) -> None:
    root, output = tmp_path / "data", tmp_path / "out"
    shutil.copytree(synthetic, root)
    prepare("smic", root, output, settings(root))
    (output / "flow/my own.npz").write_bytes(b"of the user")
    shutil.rmtree(root / PARTS[2].clips[0].folder)
    assert prepare("smic", root, output, settings(root)).removed == 1
    fresh = tmp_path / "fresh"
    prepare("smic", root, fresh, settings(root))
    own = {"flow/my own.npz": b"of the user"}
    assert contents(output) == contents(fresh) | own


def test_larger_maps_are_the_same_motion_in_finer_cells(
    made, synthetic: Path, tmp_path: Path
) -> None:
    prepare("smic", synthetic, tmp_path, settings(synthetic, size=56))
    small, large = load_maps(made[0]), load_maps(tmp_path)
    assert large.maps.shape == (3, 3, 56, 56) and large.maps.dtype == np.float32
    assert json.loads((tmp_path / "prepare.json").read_text())["made_from"]["size"] == 56
    for name, values in zip(large.ids, large.maps, strict=True):
        coarse = values[:2].reshape(2, 28, 2, 28, 2).mean((2, 4))
        other = small.maps[small.ids.index(name)][:2]
        # Each is centred and scaled by its own median and r.m.s.
        assert np.corrcoef(coarse.ravel(), other.ravel())[0, 1] > 0.99
    assert prepare("smic", synthetic, tmp_path, settings(synthetic, size=56)).made == 0


@pytest.mark.parametrize(("first", "second"), [(None, 56), (56, 112), (112, None)])
def test_a_folder_of_another_size_is_refused(
    first: int | None, second: int | None, synthetic: Path, tmp_path: Path
) -> None:
    prepare("smic", synthetic, tmp_path, settings(synthetic, size=first))
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match="size"):
        prepare("smic", synthetic, tmp_path, settings(synthetic, size=second))
    assert contents(tmp_path) == before


def test_a_map_of_another_size_among_the_results_is_made_again(
    synthetic: Path, tmp_path: Path
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    prepare("smic", synthetic, small, settings(synthetic))
    prepare("smic", synthetic, large, settings(synthetic, size=56))
    before = contents(large)
    name = "flow/smic/s01/s01_ne_01.npz"
    shutil.copy(small / name, large / name)
    report = prepare("smic", synthetic, large, settings(synthetic, size=56))
    assert [i.where for i in report.issues if i.code == "result_damaged"] == [str(large / name)]
    assert report.made == 1 and contents(large) == before


def test_workers_do_not_change_the_result(made, synthetic: Path, tmp_path: Path) -> None:
    output, _ = made
    prepare("composite", synthetic, tmp_path, settings(synthetic), workers=2)
    assert contents(tmp_path) == contents(output)


def test_a_killed_run_goes_on_and_ends_the_same(made, synthetic: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hmrm", "datasets", "prepare", "composite", synthetic]
    command += ["-o", tmp_path, "--flow", "farneback", "--faces", synthetic / "faces.csv"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(tmp_path.rglob("*.npz"))) < 2:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "maps.npz").exists()
    (tmp_path / "flow/smic/s01").mkdir(parents=True, exist_ok=True)
    (tmp_path / "flow/smic/s01/.s01_ne_01.7.partial.npz").write_bytes(b"left by the killed run")
    there = len([p for p in tmp_path.rglob("*.npz") if "partial" not in p.name])
    report = prepare("composite", synthetic, tmp_path, settings(synthetic))
    assert report.made == 12 - there
    assert contents(tmp_path) == contents(made[0])


@pytest.mark.parametrize(
    "damage", ["noise in the deflate stream", "cut off", "other shape", "NaN", "dangling link"]
)
def test_a_damaged_map_is_made_again_and_told(
    damage: str, made, synthetic: Path, tmp_path: Path
) -> None:
    output = shutil.copytree(made[0], tmp_path / "out")
    path = sorted(output.glob("flow/casme2/*/*.npz"))[0]
    with np.load(path) as file:
        arrays = dict(file)
    if damage == "noise in the deflate stream":
        content = path.read_bytes()
        path.write_bytes(content[:60] + bytes(40) + content[100:])
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[:300])
    elif damage == "other shape":
        np.savez_compressed(path, **{**arrays, "values": arrays["values"][:, :5]})
    elif damage == "NaN":
        np.savez_compressed(path, **{**arrays, "values": arrays["values"] * np.nan})
    else:
        path.unlink()
        path.symlink_to("absent.npz")
    report = prepare("composite", synthetic, output, settings(synthetic))
    told = [issue.where for issue in report.issues if issue.code == "result_damaged"]
    # A dangling link is a file that is not there.
    assert told == ([] if damage == "dangling link" else [str(path)])
    assert report.made == 1
    assert contents(output) == contents(made[0])


def test_clips_that_cannot_be_used_are_left_out_with_reasons(tmp_path: Path) -> None:
    synthetic = synthetic_casme2()
    chosen = [synthetic.clips[i] for i in (0, 1, 2)]
    others = next(c for c in synthetic.clips if c.record.emotion == "others")
    still = next(c for c in synthetic.clips if c.record.clip == "EP09_05f")
    small = replace(synthetic, clips=(*chosen, others, still))
    points = write_synthetic(tmp_path / "data", small)
    write_points(tmp_path / "data/faces.csv", points)
    for frame in (tmp_path / "data" / chosen[0].folder).iterdir():
        if int(frame.stem[3:]) < 46:
            frame.unlink()
    gone = tmp_path / "data" / chosen[1].folder
    for frame in gone.iterdir():
        frame.unlink()
    report = prepare("casme2", tmp_path / "data", tmp_path / "out", settings(tmp_path / "data"))
    assert report.clips == (chosen[2].record.id,)
    reasons = {row["what"]: row["reason"] for row in rows_of(tmp_path / "out/skipped.csv")}
    assert "onset frame 40" in reasons[chosen[0].record.id]
    assert "holds 3 frames, 46 to 48" in reasons[chosen[0].record.id]
    assert "not on disk" in reasons[chosen[1].record.id]
    assert "'others' has no class" in reasons[others.record.id]
    assert "the apex is the onset" in reasons[still.record.id]


def test_nothing_to_prepare_is_an_error_with_the_first_reason(tmp_path: Path) -> None:
    write_synthetic(tmp_path, synthetic_casme2().first(2), images="none")
    with pytest.raises(DataError, match=r"not one clip .* not on disk"):
        prepare("casme2", tmp_path, tmp_path / "out", PrepareConfig(clip=QUICK))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"clip": ClipSettings(flow="magic")}, InputError),
        ({"load": LoadOptions(table_only=True)}, ConfigError),
        ({"classes": "seven"}, ConfigError),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    change, error, synthetic: Path, tmp_path: Path
) -> None:
    with pytest.raises(error):
        prepare("composite", synthetic, tmp_path, PrepareConfig(**change))


def test_seven_classes_keep_the_data_sets_words(synthetic: Path, tmp_path: Path) -> None:
    requested = replace(settings(synthetic), classes="seven")
    prepare("casme2", synthetic, tmp_path, requested)
    maps = load_maps(tmp_path)
    assert set(maps.classes) == {
        *("happiness", "disgust", "repression", "surprise", "others", "sadness", "fear")
    }
    assert {maps.classes[label] for label in maps.labels} <= {"disgust", "happiness", "surprise"}


@pytest.fixture()
def clip(tmp_path: Path):
    synthetic = synthetic_casme2().first(1)
    write_synthetic(tmp_path, synthetic, images="blank")
    return synthetic.records[0], tmp_path / synthetic.clips[0].folder


def test_frames_are_found_by_number(clip) -> None:
    record, folder = clip
    notes = Notes()
    found = frames_of(record, folder, notes)
    assert (found.onset.name, found.apex, len(found.between)) == (
        *("img40.jpg", (44, folder / "img44.jpg")),
        9,
    )
    assert not notes.found


def test_renumbered_copies_are_recognised(clip) -> None:
    record, folder = clip
    for number, path in reversed(numbered_frames(folder).items()):
        path.rename(folder / f"reg_{number - 39:03d}.jpg")
    notes = Notes()
    found = frames_of(record, folder, notes)
    assert (found.onset.name, found.shift) == ("reg_001.jpg", -39)
    assert [o.code for o in notes.found] == ["renumbered"]


def test_a_missing_frame_is_replaced_by_a_near_one_and_told(clip) -> None:
    record, folder = clip
    (folder / "img44.jpg").unlink()
    notes = Notes()
    assert frames_of(record, folder, notes).apex == (43, folder / "img43.jpg")
    assert {o.code for o in notes.found} == {"frame_replaced", "frames_missing"}


@pytest.mark.parametrize(
    ("gone", "reported"),
    [((), None), ((45, 46), "2 of 9 frames are missing, first 45"), ((60,), None)],
)
def test_gaps_in_a_recording_are_told_where_an_expression_lies(
    clip, gone: tuple[int, ...], reported: str | None
) -> None:
    record, folder = clip
    for number in range(20, 80):
        (folder / f"img{number}.jpg").write_bytes(b"")
    for number in gone:
        (folder / f"img{number}.jpg").unlink()
    notes = Notes()
    frames_of(replace(record, span_frames=None), folder, notes)
    found = [o.message for o in notes.found]
    assert len(found) == (reported is not None) and (not reported or reported in found[0])


def test_one_frame_twice_is_refused(clip) -> None:
    record, folder = clip
    (folder / "reg_img44.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="are both frame 44"):
        frames_of(record, folder, Notes())


@pytest.mark.parametrize(
    ("place", "words"),
    [((5400, 6800), r"outside the onset of 160 × 200 px"), ((-90, -50), "outside the onset")],
)
def test_points_beside_their_picture_make_no_map(
    synthetic: Path, tmp_path: Path, place: tuple[int, int], words: str
) -> None:
    points = read_points(synthetic / "faces.csv")
    clip = "smic/s01/s01_ne_01"
    moved = np.reshape(points[clip], (5, 2)) + place
    write_points(tmp_path / "faces.csv", points | {clip: tuple(moved.ravel())})
    report = prepare("smic", synthetic, tmp_path / "out", settings(tmp_path))
    (skip,) = [s for s in report.skipped if s.what == clip]
    assert re.search(words, skip.reason) and len(report.clips) == 2


def test_points_of_unknown_clips_are_told(synthetic: Path, tmp_path: Path) -> None:
    points = read_points(synthetic / "faces.csv")
    some = next(iter(points.values()))
    more = {"smic/s99/s99_ne_01": some, "s01/s01_ne_01": some}
    write_points(tmp_path / "faces.csv", points | more)
    report = prepare("smic", synthetic, tmp_path / "out", settings(tmp_path))
    reported = [o.message for o in report.issues if o.code == "points_without_clip"]
    # The file holds points of CASME II and SAMM, too, which nobody asked for.
    assert sorted(reported) == [f"{clip} is no clip here" for clip in sorted(more)]


def test_frames_are_kept_through_the_onsets_transform(synthetic: Path, tmp_path: Path) -> None:
    asked = settings(synthetic, frames=True)
    report = prepare("casme2", synthetic / "CASME2", tmp_path, asked)
    maps = load_maps(tmp_path)
    assert maps.frames == tmp_path / "frames"
    files = with_frame_files(maps).maps
    for name, file in zip(maps.ids, files, strict=True):
        clip = read_aligned_frames(Path(str(file)))
        for kind, index in (("onset", 0), ("apex", clip.apex)):
            image = cv2.imread(str(tmp_path / "faces" / f"{name}_{kind}.png"))
            expected = image if clip.frames.ndim == 4 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            shown = clip.frames[index] if clip.frames.ndim == 3 else clip.frames[index, ..., ::-1]
            np.testing.assert_array_equal(shown, expected)
        assert clip.frame_rate == 200 and len(clip.frames) > clip.apex > 0
    # A file that is gone is made again; the others stay.
    Path(str(files[0])).unlink()
    again = prepare("casme2", synthetic / "CASME2", tmp_path, asked)
    assert report.made == len(maps.ids) and again.made == 1
    with pytest.raises(ConfigError):
        prepare("casme2", synthetic / "CASME2", tmp_path, settings(synthetic))
