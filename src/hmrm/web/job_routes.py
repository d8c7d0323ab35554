"""Endpoints of jobs: uploads, the queue, deletion, frames and files."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from hmrm import limits, records
from hmrm.errors import InputError, OutputError
from hmrm.video.kinds import VIDEO_SUFFIXES
from hmrm.web.answers import ForbiddenError, TooLargeError, answer, body, route
from hmrm.web.jobs import Job, State, new_id
from hmrm.web.site import Site, job_of, site_of
from hmrm.web.view import SUMMARY, VIEW, Summary, images_file

SPARE_BYTES = 1 << 28
"""An upload leaves so much space on the disk."""

_PIECE = 1 << 20

_MEDIA = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ogv": "video/ogg",
}


@dataclass(frozen=True, kw_only=True)
class JobShown:
    """A job as the page lists it.

    Attributes:
        place: the video's path where it was opened and not copied; "" for uploads.
        has_frames: single frames can be shown.
        coders: who has edited it.
    """

    id: str
    name: str
    place: str
    size_bytes: int
    state: State
    stage: str
    done: int
    total: int | None
    error: str
    created_at: float
    finished_at: float | None
    has_frames: bool
    summary: Summary | None
    coders: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A video or folder on this machine."""

    path: str


def shown(site: Site, job: Job, coders: Sequence[str]) -> JobShown:
    """What a list shows of a job."""
    own = job.file.parent == site.layout.job(job.id)
    summary = site.layout.results(job.id) / SUMMARY
    return JobShown(
        id=job.id,
        name=job.name,
        place="" if own else str(job.file),
        size_bytes=job.size_bytes,
        state=job.state,
        stage=job.stage,
        done=job.done,
        total=job.total,
        error=job.error,
        created_at=job.created_at,
        finished_at=job.finished_at,
        has_frames=site.layout.index(job.id).is_file(),
        summary=records.read(Summary, summary) if job.state == "done" else None,
        coders=tuple(coders),
    )


async def list_jobs(request: Request) -> Response:
    """All jobs, latest first."""
    site = site_of(request)

    def listed() -> list[JobShown]:
        coders = site.edits.coders()
        return [shown(site, job, coders.get(job.id, ())) for job in site.jobs.all()]

    return answer(await run_in_threadpool(listed))


async def one_job(request: Request) -> Response:
    """One job."""
    site, job = site_of(request), job_of(request)
    return answer(shown(site, job, site.edits.coders().get(job.id, ())))


async def upload(request: Request) -> Response:
    """Take a video, streamed; only an id and a known suffix become its name on disk."""
    site = site_of(request)
    name = request.query_params.get("name", "")
    suffix = Path(name.replace("\\", "/")).suffix.lower()
    _require_space(site, int(request.headers.get("content-length", "0") or 0))
    job_id = new_id()
    incoming = site.layout.incoming / job_id
    try:
        size = await _received(request, incoming)
    except BaseException:
        incoming.unlink(missing_ok=True)
        raise
    folder = site.layout.job(job_id)
    folder.mkdir(mode=0o700)
    file = folder / f"video{suffix if suffix in VIDEO_SUFFIXES else '.mp4'}"
    incoming.replace(file)
    return answer(shown(site, site.jobs.add(job_id, name, file, size), ()), 201)


async def _received(request: Request, path: Path) -> int:
    most, size, piece = limits.current().upload_bytes, 0, bytearray()
    try:
        with path.open("xb") as file:
            async for received in request.stream():
                size += len(received)
                if size > most:
                    raise TooLargeError(f"upload: {limits.how_to_raise('upload_bytes', size)}")
                piece += received
                if len(piece) >= _PIECE:
                    await run_in_threadpool(file.write, bytes(piece))
                    piece.clear()
            file.write(piece)
    except OSError as error:
        raise OutputError(f"upload: cannot be kept ({error.strerror or error})") from error
    except ClientDisconnect as error:
        raise InputError("upload: broken off") from error
    if not size:
        raise InputError("upload: empty; send the video as the body of the request")
    return size


def _require_space(site: Site, size: int) -> None:
    if size > limits.current().upload_bytes:
        raise TooLargeError(f"upload: {limits.how_to_raise('upload_bytes', size)}")
    free = shutil.disk_usage(site.layout.data).free
    if size + SPARE_BYTES > free:
        raise TooLargeError(f"upload: {size} bytes, {free} are free on the disk; free some")


async def open_place(request: Request) -> Response:
    """Queue a video or a folder of this machine without copying it; on loopback only."""
    site = site_of(request)
    if not site.config.is_loopback:
        raise ForbiddenError("files of this machine are opened only on a loopback address")
    place = Path((await body(request, Place)).path).expanduser()

    def added() -> list[JobShown]:
        from hmrm.video.discover import discover
        from hmrm.video.images import StillPair

        made = []
        for clip in discover([place.absolute()]):
            if isinstance(clip, StillPair):
                raise InputError(f"{clip.onset}: two still images; hmrm analyze takes them")
            job_id = new_id()
            site.layout.job(job_id).mkdir(mode=0o700)
            made.append(shown(site, site.jobs.add(job_id, clip.name, clip, 0), ()))
        return made

    return answer(await run_in_threadpool(added), 201)


async def cancel(request: Request) -> Response:
    """Stop a job that waits or runs."""
    site = site_of(request)
    return answer(shown(site, site.jobs.cancel(job_of(request).id), ()))


async def retry(request: Request) -> Response:
    """Queue a job again that failed or was cancelled."""
    site, job = site_of(request), job_of(request)
    if not job.file.exists():
        raise InputError(f"{job.name}: was no video, so it is not kept; upload it again")
    return answer(shown(site, site.jobs.retry(job.id), ()))


async def delete(request: Request) -> Response:
    """Delete a job with its video, results and edits."""
    site, job = site_of(request), job_of(request)

    def deleted() -> None:
        site.jobs.delete(job.id)
        site.forget(job)
        site.supervisor.delete(job)

    await run_in_threadpool(deleted)
    return Response(status_code=204)


async def frame(request: Request) -> Response:
    """One frame as PNG, pixel by pixel as it was decoded for the analysis."""
    site, job = site_of(request), job_of(request)
    index = site.layout.index(job.id)
    number = int(request.path_params["frame"])
    content = await run_in_threadpool(site.decoder.png, job.file, index, number)
    return Response(content, media_type="image/png")


async def video(request: Request) -> Response:
    """The file itself, for playing only."""
    job = job_of(request)
    if not job.file.is_file():
        raise InputError(f"{job.name}: is a folder of images; there is nothing to play")
    media = _MEDIA.get(job.file.suffix, "application/octet-stream")
    return FileResponse(job.file, media_type=media)


async def view(request: Request) -> Response:
    """Curves, faces and times of a finished job."""
    folder = site_of(request).results(job_of(request))
    return FileResponse(folder / VIEW, media_type="application/json")


async def images(request: Request) -> Response:
    """Strip, onset, apex and flow of one event that was found."""
    folder = site_of(request).results(job_of(request))
    path = folder / images_file(int(request.path_params["event"]))
    if not path.is_file():
        raise InputError(f"event {request.path_params['event']}: was not found by the tool")
    return FileResponse(path, media_type="application/json")


async def report(request: Request) -> Response:
    """The report as found, to be saved: it is one file that opens anywhere."""
    folder = site_of(request).results(job_of(request))
    return FileResponse(folder / "report.html", media_type="text/html", filename="report.html")


ROUTES: tuple[Route, ...] = (
    route("GET", "/api/jobs", list_jobs),
    route("POST", "/api/jobs", upload),
    route("POST", "/api/places", open_place),
    route("GET", "/api/jobs/{job}", one_job),
    route("DELETE", "/api/jobs/{job}", delete),
    route("POST", "/api/jobs/{job}/cancel", cancel),
    route("POST", "/api/jobs/{job}/retry", retry),
    route("GET", "/api/jobs/{job}/frames/{frame:int}.png", frame),
    route("GET", "/api/jobs/{job}/video", video),
    route("GET", "/api/jobs/{job}/view", view),
    route("GET", "/api/jobs/{job}/images/{event:int}", images),
    route("GET", "/api/jobs/{job}/report", report),
)
