"""Uploads of all kinds of damage: none breaks the server or leaves files."""

import struct
from pathlib import Path

import numpy as np
import pytest

from hmrm.video.writer import write_video
from hmrm.web.jobs import shown_name
from hmrm.web.worker import run_job
from tests.web.serving import served, site_of

NAMES = (
    "../../../etc/passwd", "..\\..\\windows\\system32", "/etc/shadow", "a\x00b.mp4", "con.mp4",
    "\u202egpj.mp4", "x" * 5000 + ".mp4", "", ".", "..", "-rf.mp4", "$(reboot).mp4", "a;b|c.mkv",
    "<script>alert(1)</script>.avi", "=1+1.mp4", "name.mp4.exe", "größe.MKV", "\n\r.mp4",
)  # fmt: skip


def valid(folder: Path) -> bytes:
    path = folder / "valid.mp4"
    write_video(path, (np.full((32, 32, 3), 9 * i, np.uint8) for i in range(6)), 25.0)
    return path.read_bytes()


def damaged(good: bytes, seed: int) -> bytes:
    """A truncated, overwritten, renamed, huge or nested file."""
    generator = np.random.default_rng(seed)
    kind = seed % 6
    if kind == 0:
        return good[: int(generator.integers(1, len(good)))]
    if kind == 1:
        content = bytearray(good)
        for place in generator.integers(0, len(good), 40).tolist():
            content[place] = int(generator.integers(0, 256))
        return bytes(content)
    if kind == 2:
        return generator.bytes(int(generator.integers(1, 4000)))
    if kind == 3:
        return _huge(good)
    if kind == 4:
        return b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" + generator.bytes(8)
    return _gif(int(generator.integers(20_000, 65_536)))


def _huge(good: bytes) -> bytes:
    """Claims frames of 60,000 × 60,000 px in the track's and the codec's header."""
    place = good.find(b"avc1")
    content = bytearray(good)
    content[place + 28 : place + 32] = struct.pack(">HH", 60_000, 60_000)
    return bytes(content)


def _gif(side: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", side, side) + b"\xf7\0\0" + bytes(768) + b";"


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_harmlessly_and_never_used(tmp_path: Path, name: str) -> None:
    shown = shown_name(name)
    assert 0 < len(shown) <= 200 and "/" not in shown and "\\" not in shown and shown.isprintable()
    with served(tmp_path / "data") as client:
        sent = client.post("/api/jobs", params={"name": name}, content=b"x")
        assert sent.status_code == 201
        [folder] = (tmp_path / "data" / "jobs").iterdir()
        [file] = folder.iterdir()
        assert folder.name == sent.json()["id"] and file.stem == "video"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def nothing(*arguments: object, **named: object) -> None:
    """Instead of threads and of the supervisor, which would act on the jobs meanwhile."""


def test_damaged_uploads_fail_with_a_reason_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The analysis itself is not what is tested: a file that decodes has no face in it.
    monkeypatch.setattr("hmrm.web.process.every_second", nothing)
    good = valid(tmp_path)
    data = tmp_path / "data"
    with served(data) as client:
        site = site_of(client)
        monkeypatch.setattr(site.jobs, "requeue", nothing)
        for seed in range(50):
            sent = client.post("/api/jobs?name=clip.mp4", content=damaged(good, seed))
            job = site.jobs.claim("w")
            assert job is not None and job.id == sent.json()["id"]
            run_job(site.jobs, site.layout, job, "w", weights=None)
            ended = client.get(f"/api/jobs/{job.id}").json()
            assert ended["state"] == "failed" and ended["error"], seed
            assert str(tmp_path) not in ended["error"]
            kept = [path.name for path in site.layout.job(job.id).iterdir()]
            assert set(kept) <= {"video.mp4", "frames.npz"}
            assert client.delete(f"/api/jobs/{job.id}").status_code == 204
        assert client.get("/api/jobs").json() == []
        assert all(not list((data / name).iterdir()) for name in ("jobs", "work", "incoming"))
