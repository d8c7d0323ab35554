"""The server: its endpoints, its page, and what starts and stops with it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hmrm import limits, provenance
from hmrm.analysis.export.formats import FORMATS, VIDEO
from hmrm.analysis.report import words
from hmrm.analysis.report.timeline import CLASS_COLOURS, UNCLASSIFIED_COLOUR
from hmrm.clip import CLASSES
from hmrm.errors import HmrmError
from hmrm.web import agreement_routes, job_routes, live, review_routes
from hmrm.web.answers import answer, on_fault, on_http_fault, route
from hmrm.web.edits import EditLog
from hmrm.web.jobs import Jobs
from hmrm.web.security import Guard
from hmrm.web.settings import ServeConfig
from hmrm.web.site import Site, site_of
from hmrm.web.supervisor import Supervisor, open_database

STATIC = Path(__file__).with_name("static")
REPORT_STYLE = Path(words.__file__).with_name("page.css")
OPENAPI = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True, kw_only=True)
class FormatShown:
    """A format of an export."""

    name: str
    program: str


@dataclass(frozen=True, kw_only=True)
class Info:
    """What the page states of the server and of its use."""

    version: str
    is_loopback: bool
    retention_days: float | None
    most_upload_bytes: int
    classes: tuple[str, ...]
    colours: Mapping[str, str]
    formats: tuple[FormatShown, ...]
    intended: str
    reliability: str
    meaning: str
    forbidden: str


async def info(request: Request) -> Response:
    """Version, limits, classes, formats, and what this must not be used for."""
    config = site_of(request).config
    return answer(
        Info(
            version=provenance.version(),
            is_loopback=config.is_loopback,
            retention_days=config.retention_days,
            most_upload_bytes=limits.current().upload_bytes,
            classes=(*CLASSES, "none"),
            colours={**CLASS_COLOURS, "": UNCLASSIFIED_COLOUR},
            formats=(
                *(
                    FormatShown(name=name, program=kind.program)
                    for name, kind in FORMATS.items()
                    if kind.is_installed()
                ),
                FormatShown(name=VIDEO, program="video players; takes a while"),
            ),
            intended=words.INTENDED,
            reliability=words.RELIABILITY,
            meaning=words.MEANING,
            forbidden=words.FORBIDDEN,
        )
    )


async def openapi(request: Request) -> Response:
    """The description of this interface."""
    del request
    return FileResponse(OPENAPI, media_type="application/json")


async def colours(request: Request) -> Response:
    """The report's colours and shapes, which the page has, too."""
    del request
    return FileResponse(REPORT_STYLE, media_type="text/css")


async def page(request: Request) -> Response:
    """The page."""
    del request
    return FileResponse(STATIC / "index.html", media_type="text/html")


ROUTES: tuple[Route, ...] = (
    route("GET", "/", page),
    route("GET", "/report.css", colours),
    route("GET", "/api/info", info),
    route("GET", "/api/openapi.json", openapi),
    *job_routes.ROUTES,
    *review_routes.ROUTES,
    *agreement_routes.ROUTES,
)


def create_app(config: ServeConfig) -> Starlette:
    """The ASGI application; workers start and stop with it.

    Raises:
        DataError: the database cannot be used.
        OutputError: the data folder cannot be made.
    """
    database = open_database(config)
    jobs = Jobs(database)
    supervisor = Supervisor(config, jobs)
    site = Site(config, jobs, EditLog(database), supervisor)

    @asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        del app
        supervisor.start()
        site.decoder.start()
        yield
        supervisor.stop()
        site.decoder.close()

    app = Starlette(
        routes=[*ROUTES, *live.ROUTES, Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[Middleware(Guard, config=config)],
        exception_handlers={HmrmError: on_fault, HTTPException: on_http_fault},
        lifespan=running,
    )
    app.state.site = site
    return app
