"""``python -m hmrm.web.annotated``: writes the annotated video of one job with a coder's edits.

A process of its own, since it decodes the whole video; a line of JSON on standard output says what
was written, or why nothing was.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from hmrm import limits, parallel, records
from hmrm.analysis.export.video import write_video
from hmrm.analysis.read import read_analysis
from hmrm.errors import HmrmError, VideoError
from hmrm.video.frame_index import read_index
from hmrm.video.reader import open_video
from hmrm.web import process
from hmrm.web.child_process import child_process
from hmrm.web.database import Database
from hmrm.web.edits import EditLog, standing
from hmrm.web.jobs import Job, Jobs
from hmrm.web.review import edited_analysis, review
from hmrm.web.settings import Layout
from hmrm.web.view import SUMMARY, Summary

_ASK_S = 0.5
"""How often the server looks whether the browser still waits."""


@dataclass(frozen=True, kw_only=True)
class AnnotatedAnswer:
    """How many frames were written, or what went wrong."""

    frames: int
    error: str = ""


async def write_annotated(
    request: Request, data: Path, job: Job, coder: str, output: Path, *, blur_faces: bool
) -> None:
    """Write the video in a process of its own; it ends when the browser does not wait any longer.

    Args:
        data: folder of the server.
        output: the mp4; with its sidecar .json.

    Raises:
        VideoError: it cannot be written within the limits.
    """
    options = ["--data", str(data), "--job", job.id, "--coder", coder, "--output", str(output)]
    options += ["--parent", str(os.getpid())] + (["--blur-faces"] if blur_faces else [])
    async with child_process("hmrm.web.annotated", *options) as running:
        assert running.stdout is not None
        answered = asyncio.ensure_future(running.stdout.read())
        try:
            while not answered.done():
                await asyncio.wait((answered,), timeout=_ASK_S)
                if await request.is_disconnected():
                    break
            message = answered.result() if answered.done() else b""
        finally:
            answered.cancel()
    if not message:
        raise VideoError(
            f"{job.name}: the annotated video cannot be made within the limits (HMRM_LIMITS: "
            "worker_bytes)"
        )
    found = records.loads(AnnotatedAnswer, message.decode(), where="annotated video")
    if found.error:
        raise VideoError(found.error.replace(str(job.file), job.name))


def annotate(data: Path, job_id: str, coder: str, output: Path, *, blur_faces: bool) -> int:
    """Write the annotated video of a job; the number of its frames.

    Raises:
        HmrmError: the job, its results or its video cannot be read, or nothing can be written.
    """
    layout, database = Layout(data=data), Database(Layout(data=data).database)
    job = Jobs(database).get(job_id)
    analysis = read_analysis(layout.results(job.id))
    held = standing(EditLog(database).of(job.id, coder)).held
    if held:
        times_s = tuple(read_index(layout.index(job.id)).times_s.tolist())
        faces = records.read(Summary, layout.results(job.id) / SUMMARY).faces
        analysis = edited_analysis(analysis, review(analysis, held, times_s, faces), held)
    output.parent.mkdir(parents=True, exist_ok=True)
    return write_video(output, analysis, open_video(job.file), blur_faces=blur_faces).frames


def main() -> None:
    """Write one annotated video."""
    parser = argparse.ArgumentParser(description="write an annotated video for hmrm serve")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--job", required=True)
    parser.add_argument("--coder", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--blur-faces", action="store_true")
    options = parser.parse_args()
    parallel.single_thread()
    process.limit_process(limits.current().worker_bytes)
    process.every_second(lambda: None, parent=options.parent)
    try:
        frames = annotate(
            options.data, options.job, options.coder, options.output, blur_faces=options.blur_faces
        )
        outcome = AnnotatedAnswer(frames=frames)
    except (HmrmError, MemoryError) as error:
        outcome = AnnotatedAnswer(frames=0, error=str(error) or "not enough memory")
    sys.stdout.write(records.dumps(outcome, indent=None))


if __name__ == "__main__":
    main()
