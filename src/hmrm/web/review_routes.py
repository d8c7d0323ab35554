"""Endpoints of the review: events as a coder left them, edits, exports."""

import math
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from hmrm.analysis.explain.reasons import counterfactual_text, leading_text
from hmrm.analysis.export.formats import VIDEO, Format, format_of
from hmrm.analysis.notices import REASONS
from hmrm.analysis.read import read_analysis
from hmrm.analysis.report.words import flag_of
from hmrm.clip import Notice, Reasons
from hmrm.errors import HmrmError
from hmrm.intervals import kind_of_duration
from hmrm.web.annotated import write_annotated
from hmrm.web.answers import answer, body, route
from hmrm.web.edits import STEPS_BACK, Edit, LoggedEdit, checked_coder, standing
from hmrm.web.jobs import Job, JobStateError, new_id
from hmrm.web.review import Origin, ReviewedEvent, Status, edited_analysis
from hmrm.web.site import Site, job_of, site_of


@dataclass(frozen=True, kw_only=True)
class FlagShown:
    """A quality flag in words."""

    short: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class EventShown:
    """An event as it stands.

    Attributes:
        number: of its images, from 0; -1 for an event that the tool did not find.
        length: ``micro`` or ``macro``.
        motion_px, salience: None where nothing measured it.
        motion_words: likely action units in words; "" where nothing is stated.
        leading_regions: the two whose motion adds most to the class; "" likewise.
        without_region: which region's motion changes the class, and to what; "" where none does.
        expression_probability: that it is an expression; None where nothing spotted it.
        unlike_training: its motion is unlike all training maps; False where not known, too.
        reason: why the tool rejected it, in words.
    """

    key: str
    number: int
    origin: Origin
    status: Status
    face_id: int
    onset: int
    apex: int
    offset: int
    onset_s: float
    apex_s: float
    offset_s: float
    length: str
    label: str
    region: str
    decisive_region: str
    motion_words: str
    leading_regions: str
    without_region: str
    motion_px: float | None
    salience: float | None
    expression_probability: float | None
    probabilities: Mapping[str, float]
    unlike_training: bool
    flags: tuple[FlagShown, ...]
    reason: str
    comments: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ReviewShown:
    """A coder's view of a video.

    Attributes:
        undo, redo: what the next of them would take back or bring back; "" for nothing.
        face_names: face → name that the coder gave it.
        subject: the face that counts; -1 is every face.
    """

    job: str
    name: str
    coder: str
    finished: bool
    subject: int
    face_names: Mapping[str, str]
    faces: tuple[int, ...]
    events: tuple[EventShown, ...]
    edits: int
    undo: str
    redo: str
    notices: tuple[Notice, ...]


def event_shown(one: ReviewedEvent) -> EventShown:
    """An event as the page gets it."""
    event = one.event
    why = event.reasons or Reasons()
    return EventShown(
        key=one.key,
        number=int(one.key[1:]) if one.origin == "found" else -1,
        origin=one.origin,
        status=one.status,
        face_id=event.face_id,
        onset=event.onset_index,
        apex=event.apex_index,
        offset=event.offset_index,
        onset_s=round(event.onset_s, 6),
        apex_s=round(event.apex_s, 6),
        offset_s=round(event.offset_s, 6),
        length=kind_of_duration(event.duration_s),
        label=event.label or "",
        region=event.region,
        decisive_region=event.decisive_region or "",
        motion_words=why.sentence,
        leading_regions=leading_text(why),
        without_region=""
        if why.counterfactual is None
        else counterfactual_text(why.counterfactual),
        motion_px=event.peak_motion_px,
        salience=None if math.isnan(event.salience) else event.salience,
        expression_probability=event.expression_probability,
        probabilities=event.probabilities,
        unlike_training=bool(event.unlike_training),
        flags=tuple(
            FlagShown(short=flag_of(code).short, meaning=flag_of(code).meaning)
            for code in event.flags
        ),
        reason=REASONS.get(one.reason, one.reason),
        comments=one.comments,
        changed=one.changed,
    )


def review_shown(site: Site, job: Job, coder: str) -> ReviewShown:
    """One coder's view, of nobody else's edits."""
    found = site.found(job)
    steps = standing(site.edits.of(job.id, coder))
    review = site.reviewed(job, steps.held)
    return ReviewShown(
        job=job.id,
        name=job.name,
        coder=coder,
        finished=review.finished,
        subject=-1 if review.subject is None else review.subject,
        face_names={str(face): name for face, name in review.face_names.items()},
        faces=found.summary.faces,
        events=tuple(map(event_shown, review.events)),
        edits=len(steps.held),
        undo=steps.held[-1].edit.kind if steps.held else "",
        redo=steps.undone[-1].edit.kind if steps.undone else "",
        notices=found.analysis.notices,
    )


async def show_review(request: Request) -> Response:
    """The events as one coder left them; without a coder as they were found."""
    site, job = site_of(request), job_of(request)
    coder = request.query_params.get("coder", "").strip()
    return answer(await run_in_threadpool(review_shown, site, job, coder))


async def add_edit(request: Request) -> Response:
    """Add one edit, and show what it makes of the events."""
    site, job = site_of(request), job_of(request)
    coder = checked_coder(request.query_params.get("coder", ""))
    edit = await body(request, Edit)

    def added() -> ReviewShown:
        with site.editing:
            _require_possible(site, job, coder, edit)
            site.edits.add(job.id, coder, edit)
        return review_shown(site, job, coder)

    return answer(await run_in_threadpool(added), 201)


def _require_possible(site: Site, job: Job, coder: str, edit: Edit) -> None:
    steps = standing(site.edits.of(job.id, coder))
    if edit.kind in STEPS_BACK:
        if not (steps.held if edit.kind == "undo" else steps.undone):
            raise JobStateError(f"job {job.id}: nothing to {edit.kind}")
        return
    trial = LoggedEdit(number=0, coder=coder, made_at=0.0, edit=edit)
    site.reviewed(job, (*steps.held, trial))


async def list_edits(request: Request) -> Response:
    """Every edit of one coder on one video, who and when, undone ones too."""
    coder = checked_coder(request.query_params.get("coder", ""))
    return answer(site_of(request).edits.of(job_of(request).id, coder))


async def export(request: Request) -> Response:
    """One export of a video with one coder's edits, as a file or as an archive of files."""
    site, job = site_of(request), job_of(request)
    coder = request.query_params.get("coder", "").strip()
    name = request.query_params.get("format", "")
    stem = Path(job.name).stem or "video"
    folder = site.layout.work / f"export-{new_id()}"
    try:
        if name == VIDEO:
            site.results(job)
            path = folder / "video_annotated.mp4"
            blur_faces = request.query_params.get("blur_faces") in ("1", "true")
            await write_annotated(
                request, site.config.data, job, coder, path, blur_faces=blur_faces
            )
        else:
            path = await run_in_threadpool(_written, site, job, coder, format_of(name), folder)
    except HmrmError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    task = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    own = path.name.removeprefix("video")
    shown_name = f"{stem}{own if own != path.name else f'_{own}'}"
    return FileResponse(
        path,
        media_type="application/octet-stream",
        filename=shown_name.encode("utf-8", "replace").decode(),
        background=task,
    )


def _written(site: Site, job: Job, coder: str, kind: Format, folder: Path) -> Path:
    """The file of an export, or the archive of its files."""
    held = site.held(job, coder)
    analysis = read_analysis(site.results(job))
    edited = edited_analysis(analysis, site.reviewed(job, held), held)
    name = f"video{kind.ending}" if kind.per_video is not None else kind.ending
    paths = kind.write(folder / "files" / name, [edited if held else analysis])
    return paths[0] if len(paths) == 1 else _archive(folder, paths)


def _archive(folder: Path, paths: tuple[Path, ...]) -> Path:
    archive = folder / "video_export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in paths:
            # Without the time: the same edits give the same bytes.
            member = zipfile.ZipInfo(path.relative_to(folder / "files").as_posix())
            file.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive


ROUTES: tuple[Route, ...] = (
    route("GET", "/api/jobs/{job}/review", show_review),
    route("GET", "/api/jobs/{job}/edits", list_edits),
    route("POST", "/api/jobs/{job}/edits", add_edit),
    route("GET", "/api/jobs/{job}/export", export),
)
