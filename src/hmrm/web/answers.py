"""How requests are read and answers written: JSON from and to records, errors as JSON."""

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hmrm import reading, records
from hmrm.errors import DataError, FrameIndexError, HmrmError
from hmrm.web.jobs import JobStateError, UnknownJobError

R = TypeVar("R")

MOST_BYTES = 65_536
"""Of a JSON body."""

Endpoint = Callable[[Request], Awaitable[Response]]


class TooLargeError(HmrmError):
    """More was sent than is allowed."""


class ForbiddenError(HmrmError):
    """What was asked is not allowed on this server."""


_STATUS: tuple[tuple[type[HmrmError], int], ...] = (
    (UnknownJobError, 404),
    (FrameIndexError, 404),
    (JobStateError, 409),
    (TooLargeError, 413),
    (ForbiddenError, 403),
)


def answer(value: object, status: int = 200) -> Response:
    """A record as JSON."""
    text = json.dumps(records.to_json(value), ensure_ascii=False, allow_nan=False)
    # Letters of names that are not UTF-8 on disk are written as their numbers.
    content = text.encode("utf-8", "backslashreplace")
    return Response(content, status, media_type="application/json")


async def body(request: Request, kind: type[R]) -> R:
    """The JSON body of a request as a record.

    Raises:
        DataError: it is no such record.
        TooLargeError: it is too large.
        HTTPException: it does not state that it is JSON, as forms of other sites cannot.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "send application/json")
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MOST_BYTES:
            raise TooLargeError(f"the request has more than {MOST_BYTES} bytes")
    try:
        table = reading.parse_json(bytes(content).decode("utf-8"))
    except (reading.DamagedError, UnicodeDecodeError) as error:
        raise DataError(f"request: is no JSON ({error})") from error
    return records.from_json(kind, table, where="request", strict=True)


async def on_fault(request: Request, fault: Exception) -> Response:
    """An error of ours as JSON with its status."""
    del request
    status = next((code for kind, code in _STATUS if isinstance(fault, kind)), 400)
    return answer({"error": str(fault)}, status)


async def on_http_fault(request: Request, fault: Exception) -> Response:
    """An error of the framework likewise."""
    del request
    assert isinstance(fault, HTTPException)
    return answer({"error": fault.detail}, fault.status_code)


def route(method: str, path: str, endpoint: Endpoint) -> Route:
    """A route of one method."""
    return Route(path, endpoint, methods=[method])
