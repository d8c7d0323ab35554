"""Endpoints that compare two coders, on the videos that both have finished."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hmrm.analysis.agreement import (
    NO_EVENT,
    Agreement,
    CodedEvent,
    CodedVideo,
    agreement,
    matches,
)
from hmrm.errors import InputError
from hmrm.web.answers import answer, route
from hmrm.web.edits import checked_coder
from hmrm.web.jobs import Job
from hmrm.web.review import Review
from hmrm.web.site import Site, site_of


@dataclass(frozen=True, kw_only=True)
class CoderShown:
    """A coder, and how many videos are edited and finished."""

    name: str
    edited: int
    finished: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A unit that two coders have coded differently; "no event" where one has none.

    Attributes:
        frame: where to look: the first frame of either.
        first, second: frames of each coder's event, and its class.
    """

    job: str
    name: str
    face_id: int
    frame: int
    time_s: float
    first: str
    second: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two coders and what they agree on.

    Attributes:
        unfinished: names of videos that only one has finished, or neither: they are not compared.
    """

    first: str
    second: str
    agreement: Agreement
    differences: tuple[Difference, ...]
    unfinished: tuple[str, ...]


async def list_coders(request: Request) -> Response:
    """Everybody who has edited a video."""
    site = site_of(request)

    def listed() -> list[CoderShown]:
        reviews = _reviews(site)
        names = sorted({name for of_job in reviews.values() for name in of_job})
        return [
            CoderShown(
                name=name,
                edited=sum(name in of_job for of_job in reviews.values()),
                finished=sum(
                    name in of_job and of_job[name].finished for of_job in reviews.values()
                ),
            )
            for name in names
        ]

    return answer(await run_in_threadpool(listed))


async def compare(request: Request) -> Response:
    """κ, α and onset errors of two coders, and where they differ.

    Only videos that both have finished count: until then nobody sees what another coded.
    """
    site = site_of(request)
    first = checked_coder(request.query_params.get("first", ""))
    second = checked_coder(request.query_params.get("second", ""))
    if first == second:
        raise InputError("agreement: the same coder twice; give two coders")
    return answer(await run_in_threadpool(_compared, site, first, second))


def _compared(site: Site, first: str, second: str) -> Comparison:
    videos: list[CodedVideo] = []
    differences: list[Difference] = []
    unfinished: list[str] = []
    reviews = _reviews(site)
    for job in site.jobs.all():
        sides = [reviews.get(job.id, {}).get(name) for name in (first, second)]
        if not any(sides):
            continue
        a, b = sides
        if a is None or b is None or not (a.finished and b.finished):
            unfinished.append(job.name)
            continue
        video = _coded(site, job, a, b)
        videos.append(video)
        differences += _differences(site, job, video)
    return Comparison(
        first=first,
        second=second,
        agreement=agreement(videos),
        differences=tuple(differences),
        unfinished=tuple(unfinished),
    )


def _reviews(site: Site) -> Mapping[str, Mapping[str, Review]]:
    """Job → coder → how that coder left it."""
    by_id = {job.id: job for job in site.jobs.all() if job.state == "done"}
    return {
        job_id: {
            name: site.reviewed(by_id[job_id], site.held(by_id[job_id], name)) for name in names
        }
        for job_id, names in site.edits.coders().items()
        if job_id in by_id
    }


def _coded(site: Site, job: Job, first: Review, second: Review) -> CodedVideo:
    shown_to_both = {e.key for e in first.events} & {e.key for e in second.events}
    rejected = [{e.key for e in one.events if not one.keeps(e)} for one in (first, second)]
    return CodedVideo(
        video=job.id,
        frame_count=len(site.found(job).times_s),
        first=_events(first),
        second=_events(second),
        both_rejected=len(rejected[0] & rejected[1] & shown_to_both),
    )


def _events(review: Review) -> tuple[CodedEvent, ...]:
    return tuple(
        CodedEvent(
            face_id=one.event.face_id,
            onset=one.event.onset_index,
            offset=one.event.offset_index,
            label=one.event.label or "",
        )
        for one in review.events
        if review.keeps(one)
    )


def _differences(site: Site, job: Job, video: CodedVideo) -> list[Difference]:
    times_s = site.found(job).times_s
    found = []
    for match in matches(video.first, video.second):
        there = [one for one in (match.first, match.second) if one is not None]
        frame = min(one.onset for one in there)
        if not match.is_agreed:
            found.append(
                Difference(
                    job=job.id,
                    name=job.name,
                    face_id=there[0].face_id,
                    frame=frame,
                    time_s=round(times_s[frame], 6),
                    first=_in_words(match.first),
                    second=_in_words(match.second),
                )
            )
    return sorted(found, key=lambda one: one.frame)


def _in_words(event: CodedEvent | None) -> str:
    return NO_EVENT if event is None else f"{event.category}, {event.onset} to {event.offset}"


ROUTES: tuple[Route, ...] = (
    route("GET", "/api/coders", list_coders),
    route("GET", "/api/agreement", compare),
)
