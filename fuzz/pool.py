"""Workers under supervision: an input that hangs, grows or kills its worker is named."""

import gc
import json
import os
import select
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fuzz.processes import processor_s, resident_kb
from fuzz.program import package_place
from fuzz.verdict import Limits, Verdict, from_mapping
from fuzz.worker import CASE, STACK, Job, aside, work

_LOOK_S = 0.02
_BUILDING_S = 120.0


@dataclass
class _Worker:
    """A child, what is left for it, and the input at hand.

    ``moved`` is when it was last seen to have taken processor time, ``spent_s`` in all.
    """

    job: Job
    waiting: list[int]
    process: int = 0
    channel: int = -1
    pending: bytes = b""
    current: dict[str, Any] | None = None
    began: float = field(default_factory=time.monotonic)
    began_s: float = 0.0
    moved: float = field(default_factory=time.monotonic)
    spent_s: float = 0.0


Keep = Callable[[Verdict, Path], None]


def run_cases(job: Job, numbers: Sequence[int], *, workers: int, keep: Keep) -> Generator[Verdict]:
    """Run all inputs, each once, in any order.

    Args:
        job: its ``place`` is the folder below which each worker gets its own.
        keep: given a verdict with faults and the folder of the input, while that still lies there.
    """
    # Objects of now are never collected, so that children keep their pages in common.
    gc.collect()
    gc.freeze()
    open_numbers = list(numbers)[::-1]
    crew = [
        _Worker(job=replace(job, place=job.place / f"worker-{n}"), waiting=[])
        for n in range(workers)
    ]
    try:
        while any(w.process or w.waiting for w in crew) or open_numbers:
            for worker in crew:
                if not worker.process:
                    _begin(worker, open_numbers)
                if worker.process:
                    yield from _looked_at(worker, keep)
            _wait([w.channel for w in crew if w.process])
    finally:
        for worker in crew:
            _stop(worker)


def _begin(worker: _Worker, open_numbers: list[int]) -> None:
    while open_numbers and len(worker.waiting) < worker.job.limits.recycled_after:
        worker.waiting.append(open_numbers.pop())
        if len(worker.waiting) * 4 > len(open_numbers) + 4:
            break  # the last inputs are shared out in small pieces
    if not worker.waiting:
        return
    shutil.rmtree(worker.job.place, ignore_errors=True)
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)
        code = 1
        try:
            work(worker.job, worker.waiting, writing)
            code = 0
        except BaseException:  # noqa: BLE001 - a child must end here, whatever happened
            traceback.print_exc(file=os.fdopen(2, "w"))
        finally:
            os._exit(code)
    os.close(writing)
    os.set_blocking(reading, False)
    worker.process, worker.channel, worker.pending = process, reading, b""
    worker.current, worker.began = None, time.monotonic()


def _looked_at(worker: _Worker, keep: Keep) -> Iterator[Verdict]:
    """Verdicts that came in, and one more where the input at hand went too far."""
    lines, ended = _lines(worker)
    yield from _taken(worker, lines, keep)
    reason = "" if ended else _excess(worker, worker.job.limits)
    if not ended and not reason:
        return
    found = _named(worker, reason) if reason and worker.current else None
    code = _ended(worker, kill=not ended)
    # It may have ended between the look at it and the signal.
    lines, _ = _lines(worker)
    os.close(worker.channel)
    yield from _taken(worker, lines, keep)
    if ended and worker.current:
        found = _named(worker, f"crash: exit code {code}")
    elif found is None and (reason or code):
        reason = reason or f"exit code {code}"
        raise RuntimeError(f"the harness failed between inputs ({reason}): {_stack(worker)}")
    if found is not None and found.number in worker.waiting:
        keep(found, worker.job.place / CASE)
        worker.waiting.remove(found.number)
        yield found


def _taken(worker: _Worker, lines: list[dict[str, Any]], keep: Keep) -> Iterator[Verdict]:
    """Note which input is at hand, and pass on the verdicts."""
    for line in lines:
        worker.began = time.monotonic()
        if "begins" in line:
            worker.current = line
            worker.began_s = processor_s(worker.process) if worker.process else 0.0
            worker.moved, worker.spent_s = worker.began, 0.0
            continue
        found = from_mapping(line["verdict"])
        worker.waiting.remove(found.number)
        worker.current = None
        if found.faults:
            keep(found, aside(worker.job.place, found.number))
        yield found


def _lines(worker: _Worker) -> tuple[list[dict[str, Any]], bool]:
    """Whole lines that came in, and whether the worker has ended."""
    ended = False
    while True:
        try:
            piece = os.read(worker.channel, 1 << 16)
        except BlockingIOError:
            break
        if not piece:
            ended = True
            break
        worker.pending += piece
    *lines, worker.pending = worker.pending.split(b"\n")
    return [json.loads(line) for line in lines], ended


def _excess(worker: _Worker, limits: Limits) -> str:
    """Why the input at hand is to be stopped; empty where it may continue."""
    now = time.monotonic()
    waited = now - worker.began
    if worker.current is None:
        return "hang: building an input" if waited > _BUILDING_S else ""
    spent = processor_s(worker.process) - worker.began_s
    if spent != worker.spent_s:
        worker.moved, worker.spent_s = now, spent
    # On a machine that is shared, an input waits for a processor, but not for so long.
    idle = now - worker.moved > limits.processor_s
    if spent > limits.processor_s or waited > limits.wall_s or idle:
        return "hang"
    used_kb = resident_kb(worker.process) - worker.current["rest_kb"]
    return "memory" if used_kb > limits.memory_mb * 1024 else ""


def _named(worker: _Worker, reason: str) -> Verdict:
    """The verdict on an input that had to be stopped, or that took its worker with it."""
    assert worker.current is not None
    line, used = worker.current, 0.0
    if worker.process:
        used = (resident_kb(worker.process) - line["rest_kb"]) / 1024
    stack = _stack(worker)
    place = "" if ":" in reason else f": {_innermost(stack)}"
    return Verdict(
        number=line["begins"],
        reader=line["reader"],
        seed=line["seed"],
        outcome=reason.split(":")[0],
        faults=(f"{reason}{place}",),
        damage=tuple(line["damage"]),
        command=line["command"],
        memory_mb=round(used, 1),
        processor_s=round(worker.spent_s, 1),
        detail=stack,
    )


def _stack(worker: _Worker) -> str:
    """The worker's Python stack, asked for where it still runs."""
    path = worker.job.place.parent / f"{worker.job.place.name}-{STACK}"
    if worker.process:
        try:
            os.kill(worker.process, signal.SIGUSR1)
            time.sleep(0.1)
        except ProcessLookupError:
            pass
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _innermost(stack: str) -> str:
    """``hmrm/video/images.py:_decode``, of a stack as faulthandler writes it."""
    for line in stack.splitlines():
        if '"' in line:
            place = package_place(line.split('"')[1])
            if place:
                return f"{place}:{line.rsplit(' ', 1)[-1]}"
    return "outside of hmrm"


def _stop(worker: _Worker) -> None:
    if worker.process:
        _ended(worker, kill=True)
        os.close(worker.channel)


def _ended(worker: _Worker, *, kill: bool) -> int:
    """Wait for the worker's end, or bring it about; its exit code."""
    if kill:
        os.kill(worker.process, signal.SIGKILL)
    _, status = os.waitpid(worker.process, 0)
    worker.process = 0
    return os.waitstatus_to_exitcode(status)


def _wait(channels: list[int]) -> None:
    if channels:
        select.select(channels, [], [], _LOOK_S)
