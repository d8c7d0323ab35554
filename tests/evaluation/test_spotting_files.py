from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import DataError
from hmrm.evaluation.spotting.files import Role, read_intervals
from hmrm.evaluation.spotting.rows import ReadOptions
from hmrm.intervals import (
    Interval,
    IntervalTable,
    kind_of,
    kind_of_duration,
    video_key,
    write_csv,
)


def read(
    folder: Path, text: str, name: str = "a.csv", role: Role = "truth", **options: object
) -> IntervalTable:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_intervals([path], role, ReadOptions(**options))  # type: ignore[arg-type]


def places(table: IntervalTable) -> list[tuple[str, int, int, str]]:
    return [(o.key, o.onset_index, o.offset_index, o.kind) for o in table.intervals]


def test_our_table(tmp_path: Path) -> None:
    text = "subject,video,onset,offset,type\n006,1,566,743,macro\n006,1,3562,3632,micro\n"
    expected = [("006_1", 566, 743, "macro"), ("006_1", 3562, 3632, "micro")]
    for mark in (",", ";", "\t"):
        assert places(read(tmp_path, text.replace(",", mark))) == expected
    assert places(read(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))) == expected
    assert places(read(tmp_path, text.partition("\n")[2].replace(",", " "))) == expected


def test_other_names_of_columns(tmp_path: Path) -> None:
    text = "Vid;Pred Onset;Pred Offset;Expression Type;Prob\ns15_0101;1;20;Micro - 1/2;.5\n"
    with pytest.raises(DataError, match=r"a\.csv line 2: score is 'sure'"):
        read(tmp_path, text.replace(".5", "sure"))
    (one,) = read(tmp_path, text).intervals
    assert (one.key, one.kind, one.score) == ("s15_0101", "micro", 0.5)


def test_the_baselines_truth(tmp_path: Path) -> None:
    text = "006 1 macro-expression 566 648 743\n032 3 micro-expression 1896 -1069 1970\n"
    table = read(tmp_path, text, "all_Info.txt")
    assert places(table) == [("006_1", 566, 743, "macro"), ("032_3", 1896, 1970, "micro")]
    assert [one.apex_index for one in table.intervals] == [648, None]


def test_the_baselines_predictions(tmp_path: Path) -> None:
    folder = tmp_path / "ME2_micro_txtClips" / "p1"
    read(folder, "82 85 1.0\n87 96 1.0\n898 900 0.5\n", "s15_0101.txt")
    (folder / "s15_0102.txt").write_text("")
    options = ReadOptions(first_frame=1, lengths={"micro": (4, 16)}, drop_lengths=True)
    table = read_intervals([folder], "found", options)
    assert places(table) == [("s15_0101", 81, 84, "micro"), ("s15_0101", 86, 95, "micro")]
    assert table.videos == ("s15_0101", "s15_0102")
    assert any("1 row(s) shorter or longer" in warning for warning in table.warnings)


def test_the_same_video_in_two_folders_is_refused(tmp_path: Path) -> None:
    for part in ("p1", "p2"):
        read(tmp_path / "micro" / part, "1 9 1.0\n", "s15_0101.txt")
    with pytest.raises(DataError, match="give one of the folders"):
        read_intervals([tmp_path / "micro"], "found")


LOG = """1
019_7   -         -       277     347     FP
019_7   398       532     -       -       FN
025_5   840       937     841     920     TP
025_5   840       979     841     920     TP
2
15_0101 -         -       10      20      FP
"""


def test_the_challenges_log(tmp_path: Path) -> None:
    truth = read(tmp_path, LOG, "log.txt", part="1")
    assert places(truth) == [
        ("019_7", 398, 532, ""), ("025_5", 840, 937, ""), ("025_5", 840, 979, "")
    ]  # fmt: skip
    found = read(tmp_path, LOG, "log.txt", "found", part="1", lengths={"micro": (1, 75)})
    assert places(found) == [("019_7", 277, 347, "micro"), ("025_5", 841, 920, "macro")]
    # The log repeats a row by intention, which is no duplicate to warn of.
    assert not found.warnings
    assert found.videos == truth.videos == ("019_7", "025_5")
    with pytest.raises(DataError, match="the parts 1, 2"):
        read(tmp_path, LOG, "log.txt")
    with pytest.raises(DataError, match="no part 3"):
        read(tmp_path, LOG, "log.txt", part="3")
    with pytest.raises(DataError, match="line 8"):
        read(tmp_path, LOG + "15_0101 3 4\n", "log.txt", part="1")


def test_files_that_count_from_one(tmp_path: Path) -> None:
    text = "video,onset,offset,type\na_1,1,20,micro\n"
    assert places(read(tmp_path, text, first_frame=1)) == [("a_1", 0, 19, "micro")]
    cut = read(tmp_path, text.replace(",1,20", ",0,20"), first_frame=1)
    assert places(cut) == [("a_1", 0, 19, "micro")]
    assert cut.warnings == ("a.csv: 1 row(s) that began before the video cut to its first frame",)


def test_files_that_count_from_anywhere(tmp_path: Path) -> None:
    text = "video,onset_frame,offset_frame,type\na,17581002,17581033,micro\n"
    assert places(read(tmp_path, text, first_frame=17581000)) == [("a", 2, 33, "micro")]
    assert "onset_frame holds numbers as on file" in read(tmp_path, text).warnings[0]
    assert not read(tmp_path, text, first_frame=0).warnings
    with pytest.raises(DataError, match=r"line 2: frames .* lie before the video.* as 17582000"):
        read(tmp_path, text, first_frame=17582000)
    with pytest.raises(DataError, match="onset_index counts from 0, but 1 was given"):
        read(tmp_path, text.replace("_frame", "_index"), first_frame=1)


def test_unknown_offsets(tmp_path: Path) -> None:
    text = "subject,video,onset,apex,offset,type\n1,a,557,572,0,micro\n1,b,0,5,0,micro\n"
    with pytest.raises(DataError, match="line 2: onset 557, but the offset is 0") as error:
        read(tmp_path, text)
    assert "--missing-offset apex takes its apex, --missing-offset drop" in str(error.value)
    by_apex = read(tmp_path, text, missing_offset="apex")
    assert places(by_apex) == [("1_a", 557, 572, "micro"), ("1_b", 0, 0, "micro")]
    dropped = read(tmp_path, text, missing_offset="drop")
    assert [o.key for o in dropped.intervals] == ["1_b"]
    assert dropped.videos == ("1_a", "1_b")
    assert any("1 row(s) without offset skipped" in w for w in dropped.warnings)
    empty = text.replace("572,0,", "572,,")
    assert places(read(tmp_path, empty, missing_offset="apex")) == places(by_apex)
    for missing in ("refuse", "apex"):
        with pytest.raises(DataError, match=r"is empty; .* no apex to take; --missing-offset drop"):
            read(tmp_path, empty.replace("572", "-1"), missing_offset=missing)


def test_duplicates_are_named_and_counted_once(tmp_path: Path) -> None:
    text = "video,onset,offset,type,score\na,1,9,micro,0.2\na,1,9,micro,0.7\na,1,9,macro,0.1\n"
    table = read(tmp_path, text)
    assert [(o.kind, o.score) for o in table.intervals] == [("micro", 0.7), ("macro", 0.1)]
    assert any("1 duplicate row(s)" in w and "a 1 to 9" in w for w in table.warnings)


def test_empty_files_and_videos_without_an_interval(tmp_path: Path) -> None:
    header = "subject,video,onset,offset,type\n"
    for text in ("", header):
        found = read(tmp_path, text, role="found")
        assert (found.intervals, found.warnings) == (
            (), ("a.csv: is empty, so nothing counts as found",)
        )  # fmt: skip
        with pytest.raises(DataError, match=r"a\.csv: is empty"):
            read(tmp_path, text)
    table = read(tmp_path, header + "006,1,,,\n")
    assert (table.intervals, table.videos) == ((), ("006_1",))
    assert "no interval, so all that was found counts as false" in table.warnings[0]


def test_the_type_follows_from_the_length_where_it_is_not_told(tmp_path: Path) -> None:
    text = "video,onset,offset\na,0,15\na,100,116\n"
    assert [o.kind for o in read(tmp_path, text).intervals] == ["", ""]
    assert [o.kind for o in read(tmp_path, text, frames_per_s=30.0).intervals] == ["micro", "macro"]
    assert kind_of_duration(0.5) == "micro"
    by_most = read(tmp_path, text, lengths={"micro": (30, 16)})
    assert [o.kind for o in by_most.intervals] == ["micro", "macro"]
    by_least = read(tmp_path, text, lengths={"macro": (17, None)})
    assert [o.kind for o in by_least.intervals] == ["micro", "macro"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,video,onset,type\n1,a,2,micro\n", "line 1: no column offset"),
        ("video,onset,offset\na,3\n", "line 2: 2 cells, but the header has 3"),
        ("video,onset,offset\na,3,x\n", "line 2: offset is 'x'"),
        ("video,onset,offset\na,3.5,9\n", "line 2: onset is '3.5'"),
        ("video,onset,offset\na,9,3\n", "line 2: frames 9 to 3: the onset is later than"),
        ("video,onset,offset\na,-2,3\n", "line 2: frames -2 to 3: .* number below 0"),
        ("video,onset,offset\na,2,99999999\n", "line 2: .*: 99999998 frames are no expression"),
        ("video,onset,offset\na,2,99999999999999999999\n", "line 2: offset is '9999"),
        ("video,onset,offset\na,2,1e400\n", "line 2: offset is '1e400'"),
        ("video,onset,offset,score\na,2,3,1e400\n", "line 2: score is '1e400'"),
        ("video,onset,offset,type\na,2,3,smile\n", "line 2: type is 'smile'"),
        ("a b c d e f g\n", "line 1: got 'a b c d e f g'"),
        ("7\n", "line 1: got '7'"),
        ("s15_0101 x 20\n", "line 1: onset is 'x'"),
    ],
)
def test_bad_rows_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "a.csv", tmp_path / "none.csv"):
        with pytest.raises(DataError, match="cannot be read as text"):
            read_intervals([path], "found")
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04\xc7")
    with pytest.raises(DataError, match=r"is a workbook.* hmrm datasets intervals"):
        read_intervals([tmp_path / "a.csv"], "truth")
    (tmp_path / "a.csv").write_text("video,onset,offset\na,1,9\n", encoding="utf-16")
    assert places(read_intervals([tmp_path / "a.csv"], "truth")) == [("a", 1, 9, "")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no"):
        read_intervals([tmp_path / "empty"], "found")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match="not written by hmrm spot: has no 'videos'"):
        read_intervals([tmp_path / "a.json"], "found")


def test_names_of_videos() -> None:
    assert video_key("s15", "0101") == video_key("", "s15_0101") == video_key("s15", "s15_0101")
    assert video_key("006", "006_1") == "006_1"
    assert video_key("00", "006_1") == "00_006_1"


def test_words_for_types() -> None:
    assert [kind_of(w) for w in ("me", "Micro - 1/2", "micro-expression")] == ["micro"] * 3
    assert [kind_of(w) for w in ("MaE", "Macro", "macro_expression")] == ["macro"] * 3
    assert [kind_of(w) for w in ("", "mean", "s15", "1")] == [None] * 4


@given(
    st.lists(
        st.builds(
            lambda video, onset, length, kind, score: Interval(
                subject="006",
                video=video,
                onset_index=onset,
                offset_index=onset + length,
                kind=kind,
                score=score,
            ),
            st.sampled_from(["1", "07", "a b"]),
            st.integers(0, 10**6),
            st.integers(0, 10**4),
            st.sampled_from(["micro", "macro", ""]),
            st.none() | st.floats(-1e6, 1e6),
        ),
        max_size=8,
        unique_by=lambda o: (o.video, o.kind, o.onset_index, o.offset_index),
    )
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Interval]
) -> None:
    path = tmp_path_factory.mktemp("written") / "found.csv"
    write_csv(path, rows)
    assert read_intervals([path], "found").intervals == tuple(rows)
    write_csv(path, rows, [("006", "quiet"), *((row.subject, row.video) for row in rows)])
    read_back = read_intervals([path], "found")
    assert read_back.intervals == tuple(rows)
    assert set(read_back.videos) == {"006_quiet", *(row.key for row in rows)}


def test_a_table_of_too_many_lines_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("subject,video,onset,offset,type\n" + "s,v,1,9,micro\n" * 200_001)
    with pytest.raises(DataError, match=r"200002 lines; the limit is 200000.*HMRM_LIMITS=rows"):
        read_intervals([path], "truth")
