"""``python -m fuzz.uploads``: damaged files and hostile names sent to a real ``hmrm serve``.

Every upload must end as failed, with a reason, or as done; the server goes on answering; and when
all jobs are deleted, no file of them is left.
"""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hmrm.video.writer import write_video

NAMES = (
    "../../../etc/passwd", "..\\..\\windows\\system32", "/etc/shadow", "a\x00b.mp4", "con.mp4",
    "\u202egpj.mp4", "x" * 5000 + ".mp4", "", ".", "..", "-rf.mp4", "$(reboot).mp4", "a;b|c.mkv",
    "<script>alert(1)</script>.avi", "=1+1.mp4", "name.mp4.exe", "größe.MKV", "\n\r.mp4",
)  # fmt: skip

KINDS = 6
ENDED = ("done", "failed")


def valid(folder: Path) -> bytes:
    """A small video without a face."""
    path = folder / "valid.mp4"
    write_video(path, (np.full((32, 32, 3), 9 * i, np.uint8) for i in range(6)), 25.0)
    return path.read_bytes()


def damaged(good: bytes, seed: int) -> bytes:
    """Cut off, overwritten, noise, huge by its header, a playlist, or a huge image."""
    generator = np.random.default_rng(seed)
    kind = seed % KINDS
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
        return _claiming(good, int(generator.integers(20_000, 65_536)))
    if kind == 4:
        return b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" + generator.bytes(8)
    side = int(generator.integers(20_000, 65_536))
    return b"GIF89a" + struct.pack("<HH", side, side) + b"\xf7\0\0" + bytes(768) + b";"


def _claiming(good: bytes, side: int) -> bytes:
    """Frames of that size by the header of the codec."""
    place = good.find(b"avc1")
    content = bytearray(good)
    content[place + 28 : place + 32] = struct.pack(">HH", side, side)
    return bytes(content)


class _Client:
    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, method: str, path: str, content: bytes | None = None) -> Any:
        request = urllib.request.Request(self._address + path, data=content, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def main(
    inputs: Annotated[int, typer.Option(min=1, help="Number of uploads.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Decides every upload.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Send damaged files to a server; exit with 1 where one of them hurts it."""
    folder = Path(tempfile.mkdtemp(prefix="hmrm-fuzz-uploads-"))
    data = folder / "data"
    command = [sys.executable, "-m", "hmrm", "serve", "--data", str(data), "--port", "0"]
    command += ["--workers", str(workers), "--weights", "none"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    try:
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "the server printed no address"
            faults = _sent(_Client(found[0].rstrip("/")), valid(folder), inputs, seed)
            left = [str(path) for path in data.rglob("*") if path.parent.parent == data]
            server.send_signal(signal.SIGINT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    faults += [f"left behind: {path}" for path in left if "work" not in path]
    print(f"{inputs} uploads, {len(faults)} faults")
    for fault in faults[:20]:
        print(fault)
    if faults:
        raise typer.Exit(1)


def _sent(client: _Client, good: bytes, inputs: int, seed: int) -> list[str]:
    jobs = {}
    for number in range(inputs):
        name = urllib.parse.quote(NAMES[number % len(NAMES)], errors="replace")
        content = damaged(good, seed * inputs + number)
        jobs[client.ask("POST", f"/api/jobs?name={name}", content)["id"]] = number
    while True:
        shown = client.ask("GET", "/api/jobs")
        if all(one["state"] in ENDED for one in shown):
            break
        time.sleep(1.0)
    faults = [
        f"upload {jobs[one['id']]}: {one['error'] or 'no reason'}"
        for one in shown
        if one["state"] == "failed" and (not one["error"] or "processes ended" in one["error"])
    ]
    for job in jobs:
        client.ask("DELETE", f"/api/jobs/{job}")
    return faults + ([] if client.ask("GET", "/api/jobs") == [] else ["jobs left"])


if __name__ == "__main__":
    typer.run(main)
