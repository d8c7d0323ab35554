"""The websocket of the live view: a camera's images in, events as they end out.

Nothing is stored. Images are decoded and analysed by a process of their own
(``hmrm.web.live_analyzer``), held to the limits of the workers.
"""

import asyncio
import os
import struct
from contextlib import suppress

from anyio import CancelScope
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hmrm.web.child_process import child_process
from hmrm.web.site import Site

MOST_BYTES = 1 << 22
"""Of one image: a JPEG of 4K has about one million."""

HEAD = struct.Struct("<dI")
"""Before each image on its way to the process: its time, s, and its size in bytes."""

_TIME = struct.Struct("<d")
_IN_USE = 1013
"""Close code: try again later."""


async def live(socket: WebSocket) -> None:
    """One live view.

    The browser sends messages of eight bytes of time, s as a little-endian float, and a JPEG;
    a message of text ends the take. It gets one line of JSON for each image
    (``hmrm.web.live_analyzer.LiveAnswer``), and a last one with the events still open.
    """
    site = socket.app.state.site
    assert isinstance(site, Site)
    await socket.accept()
    if site.live.locked():
        await socket.close(_IN_USE, "another live view is open on this server; close that first")
        return
    async with site.live:
        options = ("--parent", str(os.getpid()), "--weights", site.config.weights or "")
        async with child_process("hmrm.web.live_analyzer", *options) as analyzer:
            await _run(socket, analyzer)


async def _run(socket: WebSocket, analyzer: asyncio.subprocess.Process) -> None:
    """Pass images on until the browser ends the take or is gone, and answers back."""
    passing = asyncio.ensure_future(_pass_images(socket, analyzer))
    answering = asyncio.ensure_future(_answer(socket, analyzer))
    tasks = (passing, answering)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if passing in done and not passing.exception() and passing.result():
            await asyncio.wait((answering,))
    finally:
        for task in tasks:
            task.cancel()
        with CancelScope(shield=True):
            await asyncio.wait(tasks)
    for task in tasks:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, WebSocketDisconnect | OSError):
            raise error
    with suppress(RuntimeError, WebSocketDisconnect):  # the browser has gone
        await socket.close()


async def _pass_images(socket: WebSocket, analyzer: asyncio.subprocess.Process) -> bool:
    """Whether the browser ended the take, and waits for the last events."""
    assert analyzer.stdin is not None
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return False
        content = message.get("bytes")
        if not content:
            analyzer.stdin.close()
            return True
        if not _TIME.size < len(content) <= MOST_BYTES:
            return False
        (time_s,) = _TIME.unpack_from(content)
        image = content[_TIME.size :]
        try:
            analyzer.stdin.write(HEAD.pack(time_s, len(image)) + image)
            await analyzer.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return False


async def _answer(socket: WebSocket, analyzer: asyncio.subprocess.Process) -> None:
    assert analyzer.stdout is not None
    while line := await analyzer.stdout.readline():
        await socket.send_text(line.decode())


ROUTES = (WebSocketRoute("/api/live", live),)
