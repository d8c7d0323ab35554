"""A run over several videos keeps what is finished, and only while it is still true."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

import cv2
import numpy as np
import pytest

from hmrm.analysis.report.index import write_index
from hmrm.analysis.results import VideoFiles, VideoResult, read_kept, spotting_mapping, write_kept
from hmrm.analysis.run import Outcome, VideoRun, run_videos, settings_digest
from hmrm.analysis.settings import AnalyzeConfig
from hmrm.analysis.target import Target
from hmrm.clip import Event, Notice, RejectedCandidate
from hmrm.errors import FaceNotFoundError, MissingExtraError, OutputError, VideoError
from hmrm.spotting.settings import SpottingConfig
from hmrm.video.reader import open_video
from hmrm.video.source import VideoSource

EVENT = Event(
    face_id=1,
    onset_index=3,
    apex_index=5,
    offset_index=9,
    onset_s=0.1,
    apex_s=1 / 6,
    offset_s=0.3,
    region="chin",
    peak_motion_px=2 / 3,
    salience=0.123456789,
    label="positive",
    probabilities={"negative": 0.1, "positive": 0.9},
    decisive_region="mouth",
    flags=("longer_than_micro", "near_cut"),
)
REJECTED = RejectedCandidate(
    face_id=1,
    onset_index=2,
    apex_index=3,
    offset_index=4,
    onset_s=2 / 30,
    apex_s=0.1,
    offset_s=4 / 30,
    region="chin",
    salience=2 / 3,
    reason="too_weak",
)
NOTICE = Notice(code="cuts", message="a [cut] — “here”")


@pytest.fixture
def targets(tmp_path: Path) -> list[Target]:
    """Two folders of three images each."""
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(3):
            image = np.full((16, 16), 10 * number + ord(name), np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), image)
    return [Target(subject="s01", video=name, source=tmp_path / name) for name in "ab"]


class Process:
    """Counts what is processed; makes one file for each video."""

    def __init__(self, *, fails: BaseException | None = None) -> None:
        self.fails, self.videos = fails, list[str]()

    def __call__(self, target: Target) -> VideoFiles:
        if self.fails is not None and target.video == "b":
            raise self.fails
        self.videos.append(target.video)
        name = f"{target.video}.txt"
        result = VideoResult(
            subject=target.subject,
            video=target.video,
            source=target.video,
            data_hash=open_video(target.source).content_hash(),
            frame_count=3,
            frames_per_s=30.0,
            duration_s=0.1,
            events=(EVENT,),
            notices=(NOTICE,),
            files={name: hashlib.sha256(b"made").hexdigest()},
        )
        return VideoFiles(result=result, contents={name: b"made"})


def run(
    targets: Sequence[Target],
    folder: Path,
    *,
    settings: str = "x",
    fails: BaseException | None = None,
) -> tuple[VideoRun, list[str]]:
    process = Process(fails=fails)
    return run_videos(targets, folder, process, settings=settings), process.videos


def states(found: VideoRun) -> list[str]:
    return [one.state for one in found.outcomes]


def test_finished_videos_are_taken_as_they_are(targets: list[Target], tmp_path: Path) -> None:
    first, made = run(targets, tmp_path / "out")
    assert (states(first), made) == (["new", "new"], ["a", "b"])
    again, made = run(targets, tmp_path / "out")
    assert (states(again), made) == (["resumed", "resumed"], [])
    assert again.results == first.results
    assert again.count("resumed") == 2 and again.failures == {}


def test_a_killed_run_goes_on(targets: list[Target], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(targets, tmp_path / "out", fails=KeyboardInterrupt())
    left = tmp_path / "out" / "videos" / ".s01_b.77.partial.json"
    left.write_text("{")
    found, made = run(targets, tmp_path / "out")
    assert (states(found), made) == (["resumed", "new"], ["b"])
    assert not left.exists()


def test_a_changed_video_is_redone(targets: list[Target], tmp_path: Path) -> None:
    run(targets, tmp_path / "out")
    cv2.imwrite(str(tmp_path / "b" / "1.png"), np.full((16, 16), 99, np.uint8))
    found, made = run(targets, tmp_path / "out")
    assert (states(found), made) == (["resumed", "redone"], ["b"])
    assert found.results[1].data_hash == open_video(tmp_path / "b").content_hash()


def test_other_settings_names_and_damaged_files_are_redone(
    targets: list[Target], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(targets, out)
    assert run(targets, out, settings="y")[1] == ["a", "b"]
    (out / "a.txt").unlink()
    (out / "b.txt").write_text("changed")
    assert run(targets, out, settings="y")[1] == ["a", "b"]
    kept = out / "videos" / "s01_a.json"
    stored = json.loads(kept.read_text())
    stored["result"]["events"][0]["apex_index"] += 1  # no number is taken that we did not write
    kept.write_text(json.dumps(stored))
    assert run(targets, out, settings="y")[1] == ["a"]
    # The same file name, but the subject is s01_a and the video has none of its own.
    renamed = Target(subject="", video="s01_a", source=targets[0].source)
    assert states(run([renamed], out, settings="y")[0]) == ["redone"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"settings": "x"}', '{"result": 3}'])
def test_what_cannot_be_read_is_redone(targets: list[Target], tmp_path: Path, content: str) -> None:
    (tmp_path / "out" / "videos").mkdir(parents=True)
    (tmp_path / "out" / "videos" / "s01_a.json").write_text(content)
    assert states(run(targets, tmp_path / "out")[0]) == ["redone", "new"]


def test_one_video_that_cannot_be_used_does_not_stop_the_others(
    targets: list[Target], tmp_path: Path
) -> None:
    seen: list[Outcome] = []
    calls: list[tuple[str, int, int | None]] = []
    found = run_videos(
        targets[::-1],
        tmp_path / "out",
        Process(fails=FaceNotFoundError("nobody")),
        settings="x",
        progress=lambda *call: calls.append(call),
        on_outcome=seen.append,
    )
    assert states(found) == ["failed", "new"]
    assert {name: str(error) for name, error in found.failures.items()} == {"s01_b": "nobody"}
    assert [one.video for one in found.results] == ["a"]
    assert tuple(seen) == found.outcomes
    assert calls == [("videos", 1, 2), ("videos", 2, 2)]


@pytest.mark.parametrize("error", [OutputError("full"), MissingExtraError("torch")])
def test_what_concerns_every_video_stops_the_run(
    targets: list[Target], tmp_path: Path, error: Exception
) -> None:
    with pytest.raises(type(error)):
        run(targets, tmp_path / "out", fails=error)


def test_results_come_back_to_the_last_digit(tmp_path: Path) -> None:
    result = VideoResult(
        subject="",
        video="v",
        source="v.mp4",
        data_hash="d",
        frame_count=7,
        frames_per_s=29.97002997,
        duration_s=1 / 3,
        events=(EVENT,),
        notices=(NOTICE,),
        rejected=(REJECTED,),
        files={"v/events.csv": "e"},
    )
    write_kept(tmp_path / "v.json", "x", result)
    assert read_kept(tmp_path / "v.json", "x") == result
    assert read_kept(tmp_path / "v.json", "y") is None
    assert read_kept(tmp_path / "absent.json", "x") is None


def test_the_intervals_of_a_result() -> None:
    found = VideoResult(
        subject="s",
        video="v",
        source="v.mp4",
        data_hash="d",
        frame_count=7,
        frames_per_s=29.97002997,
        duration_s=1 / 3,
        events=(EVENT,),
        rejected=(REJECTED,),
    )
    assert spotting_mapping(found) == {
        "subject": "s",
        "video": "v",
        "source": "v.mp4",
        "data_hash": "d",
        "frame_count": 7,
        "frames_per_s": 29.97,
        "measured": True,
        "duration_s": 0.3333,
        "intervals": [
            {
                "onset": 3,
                "offset": 9,
                "type": "micro",
                "apex": 5,
                "onset_s": 0.1,
                "apex_s": 0.166667,
                "offset_s": 0.3,
                "score": 0.123457,
                "face_id": 1,
                "region": "chin",
                "peak_motion_px": 0.6667,
                "flags": ["near_cut"],
            }
        ],
        "rejected": [
            {
                "onset": 2,
                "offset": 4,
                "apex": 3,
                "score": 0.666667,
                "face_id": 1,
                "region": "chin",
                "reason": "too_weak",
            }
        ],
        "notices": [],
    }


def test_everything_that_decides_a_result_is_in_its_digest() -> None:
    ours = settings_digest("spot", SpottingConfig(), {"rate": "25"})
    assert ours == settings_digest("spot", SpottingConfig(), {"rate": "25"})
    others = {
        settings_digest("analyze", SpottingConfig(), {"rate": "25"}),
        settings_digest("spot", SpottingConfig(faces="all"), {"rate": "25"}),
        settings_digest("spot", AnalyzeConfig(), {"rate": "25"}),
        settings_digest("spot", SpottingConfig(), {"rate": "26"}),
        settings_digest("spot", SpottingConfig(detector="mtcnn"), {"rate": "25"}),
    }
    assert len(others) == 5 and ours not in others


@pytest.mark.parametrize("name", ["videos", "spotting.csv", "spotting.json"])
def test_a_video_called_as_the_runs_own_files_has_a_folder_of_its_own(name: str) -> None:
    assert Target(video=name, source=Path("x.mp4")).folder == f"{name}_"
    assert Target(video="clip", source=Path("clip.mp4")).folder == "clip"


def test_a_video_that_opens_with_a_rate_alone_is_resumed(
    targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(targets, tmp_path / "out")

    def needs_a_rate(source: Path, *, frames_per_s: float | None = None) -> VideoSource:
        if frames_per_s is None:
            raise VideoError(f"{source}: states no frame rate; give it")
        return open_video(source, frames_per_s=frames_per_s)

    monkeypatch.setattr("hmrm.analysis.run.open_video", needs_a_rate)
    assert states(run(targets, tmp_path / "out")[0]) == ["failed", "failed"]
    found = run_videos(targets, tmp_path / "out", Process(), settings="x", frames_per_s=25.0)
    assert states(found) == ["resumed", "resumed"]


def test_the_index_links_to_the_report_of_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"smile \xff%.mp4")
    result = VideoResult(
        subject="", video=name, source=name, data_hash="d", frame_count=10,
        frames_per_s=30.0, duration_s=1.0, events=(), notices=(),
    )  # fmt: skip
    target = Target(video=name, source=tmp_path / name)
    report = tmp_path / target.folder / "report.html"
    report.parent.mkdir()
    report.touch()
    outcome = Outcome(target=target, state="new", result=result)
    write_index(tmp_path, VideoRun(outcomes=(outcome,)), "Videos")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    [link] = re.findall(r'href="([^"]+report\.html)"', page)
    assert (tmp_path / os.fsdecode(unquote_to_bytes(link))).samefile(report)
