"""Servers and workers that are killed lose nothing, and the queue resumes."""

import json
import os
import re
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import pytest

from hmrm.video.writer import write_video
from tests.web import clip
from tests.web.browsing import Server, server, until

pytestmark = pytest.mark.slow


def asked(running: Server, method: str, path: str, content: bytes | None = None) -> Any:
    headers = {"Content-Type": "application/json"} if path.endswith("Ada") else {}
    request = urllib.request.Request(
        running.address + path, data=content, method=method, headers=headers
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def uploaded(running: Server, video: Path, name: str) -> str:
    return str(asked(running, "POST", f"/api/jobs?name={name}", video.read_bytes())["id"])


def state(running: Server, job: str) -> str:
    return str(asked(running, "GET", f"/api/jobs/{job}")["state"])


def states(running: Server) -> set[str]:
    return {one["state"] for one in asked(running, "GET", "/api/jobs")}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip.write_clip(tmp_path_factory.mktemp("clip") / "short.mp4", 40)


def test_a_killed_worker_loses_no_job(tmp_path: Path, video: Path) -> None:
    with server(tmp_path / "data", "--weights", "none") as running:
        jobs = [uploaded(running, video, f"{i}.mp4") for i in range(2)]
        until(lambda: "running" in states(running))
        [worker] = running.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: states(running) == {"done"}, 180)
        assert [state(running, job) for job in jobs] == ["done", "done"]


def test_a_killed_server_loses_no_result_and_no_edit_and_resumes(
    tmp_path: Path, video: Path
) -> None:
    data = tmp_path / "data"
    with server(data, "--weights", "none") as first:
        done = uploaded(first, video, "done.mp4")
        until(lambda: state(first, done) == "done", 120)
        found = asked(first, "GET", f"/api/jobs/{done}/review")["events"]
        edit = json.dumps({"kind": "reject", "event": found[0]["key"]}).encode()
        asked(first, "POST", f"/api/jobs/{done}/edits?coder=Ada", edit)
        others = [uploaded(first, video, f"{i}.mp4") for i in range(2)]
        until(lambda: "running" in {state(first, job) for job in others}, 60)
        workers = first.workers()
        first.kill()
        until(lambda: not [pid for pid in workers if Path(f"/proc/{pid}").exists()], 10)
    with server(data, "--weights", "none") as second:
        shown = asked(second, "GET", f"/api/jobs/{done}/review?coder=Ada")
        assert shown["events"][0]["status"] == "rejected"
        until(lambda: states(second) == {"done"}, 180)
        assert {state(second, job) for job in others} == {"done"}


def test_deleting_and_cancelling_end_what_runs(tmp_path: Path, video: Path) -> None:
    long = clip.write_clip(tmp_path / "long.mp4")
    data = tmp_path / "data"
    with server(data, "--weights", "none") as running:
        first, second = (uploaded(running, long, f"{i}.mp4") for i in range(2))
        until(lambda: state(running, first) == "running")
        asked(running, "DELETE", f"/api/jobs/{first}")
        assert not (data / "jobs" / first).exists()
        until(lambda: state(running, second) == "running")
        asked(running, "POST", f"/api/jobs/{second}/cancel")
        assert state(running, second) == "cancelled"
        third = uploaded(running, video, "third.mp4")
        until(lambda: state(running, third) == "done", 120)
        assert (
            not (data / "jobs" / first).exists()
            and not (data / "jobs" / second / "results").exists()
        )


def test_a_worker_stays_small_at_4k(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    images = (cv2.resize(image, (3840, 2160)) for image in clip.images()[40:80])
    write_video(large, images, clip.RATE)
    peaks = [0]

    def is_over(running: Server, job: str) -> bool:
        for worker in running.workers():
            status = Path(f"/proc/{worker}/status")
            text = status.read_text(encoding="utf-8") if status.exists() else ""
            peaks.extend(int(size) for size in re.findall(r"VmHWM:\s+(\d+)", text))
        return state(running, job) in ("done", "failed")

    with server(tmp_path / "data") as running:
        job = uploaded(running, large, "4k.mp4")
        until(lambda: is_over(running, job), 300)
        assert state(running, job) == "done"
    assert 200_000 < max(peaks) < 1_500_000, f"{max(peaks)} kB"


def test_fifty_uploads_with_two_workers_all_finish(tmp_path: Path, video: Path) -> None:
    with server(tmp_path / "data", "--weights", "none", "--workers", "2") as running:
        jobs = [uploaded(running, video, f"{i}.mp4") for i in range(50)]
        began = time.monotonic()
        until(lambda: states(running) == {"done"}, 1500)
        assert {state(running, job) for job in jobs} == {"done"}
        status = Path(f"/proc/{running.process.pid}/status").read_text(encoding="utf-8")
        [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        assert int(peak) < 300_000, f"{peak} kB after {time.monotonic() - began:.0f} s"
