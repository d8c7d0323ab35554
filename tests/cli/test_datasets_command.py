"""hmrm datasets on data sets as their authors ship them, from the outside."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.datasets.annotations.issue_texts import words_of
from hmrm.datasets.sources.catalogue import DATASETS
from hmrm.errors import ConfigError, DataError
from hmrm.synthetic.datasets.catalogue import SYNTHETIC_SETS, synthetic_sets_of
from hmrm.synthetic.datasets.writer import write_points, write_synthetic


def call(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_list_names_everything_and_how_to_get_it():
    words = call("datasets", "list")
    assert all(name in words for name in ("composite", *DATASETS))
    assert words.count("agreement") == len(DATASETS)
    assert "\ncasme2: CASME II; 200 frames/s; " in words and "; 30 frames/s; " in words
    assert "\ndfme: DFME; up to 500 frames/s; " in words


def test_check_counts_against_the_published_numbers(tmp_path: Path):
    write_synthetic(tmp_path, SYNTHETIC_SETS["casme2"](), images="none")
    words = call("datasets", "check", "casme2", tmp_path, "--table-only")
    table = tmp_path / "CASME2/CASME2-coding-20140508.xlsx"
    assert call("datasets", "check", "casme2", table) == words
    assert "255 clips of 26 subjects" in words and "all counts are the published ones" in words
    # Each issue once, with its count and the first cell.
    choice = words_of("units_or")
    assert words.count(choice) == 1
    assert re.search(rf"16 × {choice}; first .*sheet 'Sheet1' cell H\d+", words)
    assert f"1 × {words_of('no_apex')}; first" in words and "casme2/sub04/EP12_01f" in words


def test_check_states_what_differs_and_what_is_missing(tmp_path: Path):
    synthetic = SYNTHETIC_SETS["samm"]().first(5)
    write_synthetic(tmp_path, synthetic, images="blank")
    for frame in (tmp_path / synthetic.clips[0].folder).iterdir():
        frame.unlink()
    (tmp_path / synthetic.clips[1].folder / "006_99999.jpg").write_bytes(b"")
    found = json.loads(call("datasets", "check", "samm", tmp_path, "--json"))["parts"][0]
    assert (found["clips"], found["on_disk"], found["folders"]) == (5, 4, 4)
    assert {"what": "clips", "published": 159, "found": 5} in found["published"]
    codes = {o["code"]: o for o in found["issues"]}
    assert codes["clip_not_on_disk"]["where"].endswith("cell B15")
    assert codes["frames_beyond"]["count"] == 1
    words = call("datasets", "check", "samm", tmp_path)
    assert "5, published are 159" in words


def test_check_counts_what_is_left_out_and_names_each_once(tmp_path: Path):
    synthetic = SYNTHETIC_SETS["casme2"]().first(4)
    row = synthetic.clips[0].row
    bad = replace(synthetic.clips[0], row=(*row[:3], "soon", *row[4:]))
    write_synthetic(tmp_path, replace(synthetic, clips=(bad, *synthetic.clips[1:])), images="blank")
    for frame in (tmp_path / synthetic.clips[1].folder).iterdir():
        if int(frame.stem[3:]) < synthetic.records[1].apex_frame:
            frame.unlink()
    words = call("datasets", "check", "casme2", tmp_path)
    assert "2 excluded; complete the folders, and correct the table" in words
    for clip in synthetic.records[:2]:
        assert words.count(f"    {clip.id}: ") == 1 and f"{clip.id}: {clip.id}" not in words
    assert "onset is 'soon'" in words and "cell D2" in words


def test_check_sees_empty_images_and_states_that_it_opens_none(tmp_path: Path):
    synthetic = SYNTHETIC_SETS["casme2"]().first(2)
    write_synthetic(tmp_path, synthetic, images="blank")
    empty = tmp_path / synthetic.clips[0].folder / "img42.jpg"
    empty.write_bytes(b"")
    broken = tmp_path / synthetic.clips[0].folder / "img43.jpg"
    broken.unlink()
    broken.symlink_to(tmp_path / "nowhere.jpg")
    found = json.loads(call("datasets", "check", "casme2", tmp_path, "--json"))["parts"][0]
    (reported,) = [o for o in found["issues"] if o["code"] == "image_empty"]
    assert reported["where"] == str(empty) and reported["count"] == 2
    assert "not opened" in call("datasets", "check", "casme2", tmp_path)


def test_prepare_states_how_many_are_skipped_for_what(tmp_path: Path):
    synthetic = SYNTHETIC_SETS["casme2"]()
    others = next(clip for clip in synthetic.clips if clip.record.emotion == "others")
    some = replace(synthetic, clips=(*synthetic.clips[:3], others))
    write_points(tmp_path / "faces.csv", write_synthetic(tmp_path, some))
    for clip in some.clips[:2]:
        (onset,) = (tmp_path / clip.folder).glob(f"*g{clip.record.onset_frame}.jpg")
        onset.write_bytes(b"damaged")
    words = call(
        *("datasets", "prepare", "casme2", tmp_path, "-o", tmp_path / "maps"),
        *("--flow", "farneback", "--faces", tmp_path / "faces.csv"),
    )
    assert "3 excluded (2 unreadable image, 1 no class), see" in words


def exit_code(*arguments) -> int:
    return CliRunner().invoke(app, ["datasets", "check", *map(str, arguments)]).exit_code


def test_a_strict_check_ends_with_1_where_something_is_to_be_mended(tmp_path: Path):
    write_synthetic(tmp_path, SYNTHETIC_SETS["casme2"](), images="none")
    where = ("casme2", tmp_path, "--table-only")
    # Irregularities of the table as it is published are no faults.
    assert exit_code(*where, "--strict") == 0
    header = "dataset,clip,column,old,new,evidence"
    (tmp_path / "mine.csv").write_text(f"{header}\ncasme2,sub01/absent,apex,1,2,x\n")
    where = (*where, "--corrections", tmp_path / "mine.csv")
    assert exit_code(*where) == 0
    assert exit_code(*where, "--strict") == exit_code(*where, "--strict", "--json") == 1
    assert exit_code("casme2", tmp_path, "--strict") == 1  # no frames
    # What has no class is excluded on purpose; SMIC and SAMM are missing.
    assert exit_code("composite", tmp_path, "--table-only", "--strict") == 1


def test_check_of_the_composite_applies_the_rule(tmp_path: Path):
    for synthetic in synthetic_sets_of("composite")[:2]:
        write_synthetic(tmp_path, synthetic, images="none")
    words = call("datasets", "check", "composite", tmp_path, "--table-only")
    assert "278 clips of 52 subjects (negative 180, positive 58, surprise 40)" in words
    assert "smic: 0 subjects, the composite has 16" in words
    assert "missing: smic" in words and "excluded by name" in words


def test_a_name_without_a_folder_asks_for_it():
    with pytest.raises(ConfigError, match="Give its folder"):
        call("datasets", "check", "casme2")
    with pytest.raises(ConfigError, match="choose one of"):
        call("datasets", "check", "casme9", ".")
    with pytest.raises(DataError, match="no such folder"):
        call("datasets", "check", "no-such-folder")


def test_synthesize_prepare_check(tmp_path: Path):
    words = call("datasets", "synthesize", "smic-vis", "-o", tmp_path / "data", "--subjects", 1)
    clips = int(words.split()[0])
    words = call(
        *("datasets", "prepare", "smic-vis", tmp_path / "data", "-o", tmp_path / "maps"),
        *("--flow", "farneback", "--faces", tmp_path / "data/faces.csv", "--apex", "middle"),
        *("--size", 56),
    )
    assert f"{clips} clips of 1 subjects" in words and words_of("no_apex") in words
    found = json.loads(call("datasets", "check", tmp_path / "maps", "--json"))
    assert found["clips"] == clips and found["layout"] == "prepared"
    assert found["map_side"] == 56


def test_a_set_without_a_table_is_not_written_without_frames(tmp_path: Path):
    words = call("datasets", "synthesize", "smic", "-o", tmp_path / "s", "--no-frames")
    assert "smic has no table" in words and "0 synthetic clips" in words
    assert not (tmp_path / "s").exists()
    (tmp_path / "s").mkdir()
    with pytest.raises(DataError, match="leave --table-only out: its folders name its clips"):
        call("datasets", "check", "smic", tmp_path / "s", "--table-only")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_old_names_of_synthesize_work_and_say_so(tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    words = call("datasets", "fake", "-o", old, "--layout", "folds", "--subjects", 2, "--seed", 3)
    assert "hmrm datasets synthesize maps" in words
    maps = ("--layout", "folds", "--subjects", 2, "--seed", 3)
    assert "36 synthetic clips of 6 subjects" in call(
        *("datasets", "synthesize", "maps", "-o", new, *maps)
    )
    assert contents(old) == contents(new)
    old, new = tmp_path / "raw-old", tmp_path / "raw-new"
    words = call("datasets", "draw", "casme2", "-o", old, "--no-pictures")
    assert "hmrm datasets synthesize casme2" in words
    call("datasets", "synthesize", "casme2", "-o", new, "--no-frames")
    assert contents(old) == contents(new) != {}
    listed = call("datasets", "--help")
    assert "synthesize" in listed and not re.search(r"\b(draw|fake)\b", listed)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("maps", "--no-frames"), "remove --no-frames"),
        (("casme2", "--noise", "1"), "--noise is for maps"),
        (("casme9",), "choose one of"),
    ],
)
def test_what_does_not_fit_what_is_synthesized_is_refused(words, message, tmp_path: Path):
    with pytest.raises(ConfigError, match=message):
        call("datasets", "synthesize", *words, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_points_come_with_synthetic_images(tmp_path: Path):
    synthetic = SYNTHETIC_SETS["mmew"]().first(1)
    write_points(tmp_path / "faces.csv", write_synthetic(tmp_path, synthetic))
    header, row = (tmp_path / "faces.csv").read_text().splitlines()
    assert header.startswith("id,x1,y1") and row.startswith("mmew/S01/S01-01-000,")


def test_intervals_feed_the_spotting_score(tmp_path: Path):
    write_synthetic(tmp_path, SYNTHETIC_SETS["samm-lv"](), images="blank")
    empty = tmp_path / "SAMMLV/SAMM_longvideos/006_9"
    empty.mkdir()
    (empty / "006_9_0001.jpg").write_bytes(b"")
    truth = tmp_path / "truth.csv"
    words = call("datasets", "intervals", "samm-lv", tmp_path, "-o", truth)
    # A row of 100 to 1000 in a video of 30 frames; the onset 0 of a video whose files begin at 1.
    assert words.startswith(f"{len(SYNTHETIC_SETS['samm-lv']().records) - 1} intervals")
    assert "counted from 0 in each video's folder; 1 excluded" in words
    assert "1 × excluded: onset frame 100" in words
    assert f"1 × {words_of('frame_replaced')}" in words
    lines = truth.read_text().splitlines()
    assert lines[0] == "subject,video,onset_index,apex_index,offset_index,type,label"
    assert lines[1] == "006,006_1,2,6,10,micro,anger" and lines[-1] == "006,006_9,,,,,"
    words = call("score-spotting", "--truth", truth, "--found", truth)
    assert "1.000" in words


def test_intervals_of_a_table_alone_keep_its_numbers(tmp_path: Path):
    write_synthetic(tmp_path, SYNTHETIC_SETS["samm-lv"](), images="none")
    truth = tmp_path / "truth.csv"
    with pytest.raises(DataError, match=r"no frames of SAMM Long Videos .* --table-only"):
        call("datasets", "intervals", "samm-lv", tmp_path, "-o", truth)
    with pytest.raises(ConfigError, match="is three data sets: give casme2"):
        call("datasets", "intervals", "composite", tmp_path, "-o", truth)
    words = call("datasets", "intervals", "samm-lv", tmp_path, "-o", truth, "--table-only")
    assert "numbered as in the table" in words
    lines = truth.read_text().splitlines()
    assert lines[0] == "subject,video,onset_frame,apex_frame,offset_frame,type,label"
    assert lines[1] == "006,006_1,3,7,11,micro,anger"
    sides = ("--truth", truth, "--found", truth)
    words = call("score-spotting", *sides, "--truth-first-frame", 1, "--found-first-frame", 1)
    assert "1.000" in words


def test_intervals_tell_which_corrections_were_applied(tmp_path: Path):
    write_synthetic(tmp_path, SYNTHETIC_SETS["samm-lv"](), images="none")
    first = SYNTHETIC_SETS["samm-lv"]().records[0]
    clip = f"samm-lv,{first.subject}/{first.clip}"
    (tmp_path / "mine.txt").write_text(
        f"dataset,clip,column,old,new,evidence\n{clip},onset,3,4,seen\n{clip},apex,99,5,seen\n"
    )
    sides = ("-o", tmp_path / "truth.csv", "--corrections", tmp_path / "mine.txt", "--table-only")
    words = call("datasets", "intervals", "samm-lv", tmp_path, *sides)
    assert f"1 × {words_of('corrected')}; first" in words and "onset 3 → 4 (seen)" in words
    assert f"1 × {words_of('correction_not_applied')}; first" in words


def test_intervals_estimate_missing_apexes_and_tell_the_rule(tmp_path: Path):
    write_synthetic(tmp_path, SYNTHETIC_SETS["smic"]().first(3), images="blank")
    truth = tmp_path / "truth.csv"
    call("datasets", "intervals", "smic", tmp_path, "-o", truth, "--apex-rule", "middle")
    lines = truth.read_text().splitlines()
    assert lines[0].endswith("_index,type,label,apex_rule")
    assert [line.split(",")[3] + line.split(",")[-1] for line in lines[1:]] == ["4middle"] * 3
    assert "1.000" in call("score-spotting", "--truth", truth, "--found", truth)
    with pytest.raises(ConfigError, match="give --apex-rule"):
        call("datasets", "intervals", "smic", tmp_path, "-o", truth, "--faces", "faces.csv")
