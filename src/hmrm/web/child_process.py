"""A process that works for one request and never outlives it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from anyio import CancelScope

from hmrm import parallel


@asynccontextmanager
async def child_process(module: str, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python -m MODULE`` with one thread; its standard input and output are pipes.

    When the block is left, by an error or because the browser has gone, too, the process is killed
    and its pipes are closed. Leaving may be cancelled again and again, as by a server that stops:
    hence the shields.
    """
    threads = dict.fromkeys(parallel.THREAD_VARIABLES, "1")
    with CancelScope(shield=True):
        running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *options,
            env={**os.environ, **threads},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the server's alone
        )
    try:
        yield running
    finally:
        with CancelScope(shield=True):
            await _end(running)


async def _end(running: asyncio.subprocess.Process) -> None:
    assert running.stdin is not None
    assert running.stdout is not None
    with suppress(ProcessLookupError):
        running.kill()
    running.stdin.close()
    await running.wait()
    # The pipe closes when all that was written is read.
    await running.stdout.read()
