"""A process started for one request ends with it, and nothing of it stays open."""

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable

import anyio
import pytest

from hmrm.web.child_process import child_process

Block = Callable[[asyncio.subprocess.Process], Awaitable[object]]


async def to_its_end(running: asyncio.subprocess.Process) -> None:
    assert running.stdout is not None
    assert b"Usage" in await running.stdout.read()


async def not_at_all(running: asyncio.subprocess.Process) -> None:
    pass


async def until_cancelled(running: asyncio.subprocess.Process) -> None:
    await asyncio.sleep(60)


async def until_an_error(running: asyncio.subprocess.Process) -> None:
    raise KeyError


@pytest.mark.parametrize("block", [to_its_end, not_at_all, until_cancelled, until_an_error])
def test_nothing_stays_open(block: Block) -> None:
    ended = []

    async def request() -> None:
        with anyio.move_on_after(5 if block is to_its_end else 0.1):
            async with child_process("hmrm", "--help") as running:
                ended.append(running)
                await block(running)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            asyncio.run(request())
        except KeyError:
            assert block is until_an_error
        [running] = ended
        assert running.returncode is not None
        del running, ended[:]
        gc.collect()
    assert [str(one.message) for one in warned] == []
