"""A process that runs one damaged input after the other, and reports before each which it is."""

import faulthandler
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from fuzz import program, verdict
from fuzz.cases import TEMPORARY, Case, build_case
from fuzz.processes import forget_peak, status_kb
from fuzz.readers import Reader
from fuzz.sentinel import Sentinel

STACK, CASE = "stack.txt", "case"

_ADDRESS_SPACE = 4 << 30
_LARGEST_FILE = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that a worker needs.

    Attributes:
        seeds: folder of the seeds.
        place: the worker's own folder; holds the case at hand, and nothing else.
        modules: folder of the sentinel's module.
    """

    seed: int
    readers: tuple[Reader, ...]
    seeds: Path
    place: Path
    modules: Path
    limits: verdict.Limits


def work(job: Job, numbers: Sequence[int], channel: int) -> None:
    """Run the inputs of these numbers; two lines of JSON for each go to ``channel``."""
    with os.fdopen(channel, "w", encoding="utf-8") as answers:
        stack = _prepared(job)
        sentinel = Sentinel(job.modules)
        environment, path = dict(os.environ), list(sys.path)
        for number in numbers:
            os.chdir(job.place)
            case = build_case(
                number,
                seed=job.seed,
                readers=job.readers,
                seeds=job.seeds,
                folder=job.place / CASE,
            )
            sentinel.reset()
            _enter(case, environment, path)
            gc.collect()
            forget_peak()
            rest_kb = status_kb("VmRSS")
            _say(answers, {"begins": number, "rest_kb": rest_kb, **_about(case)})
            found = _run(case, sentinel, rest_kb, job.limits)
            if found.faults:
                os.chdir(job.place)
                case.folder.rename(aside(job.place, number))
            _say(answers, {"ended": number, "verdict": found.to_mapping()})
        os.chdir(job.place)
        stack.close()


def aside(place: Path, number: int) -> Path:
    """Where a worker puts a failed input, so that it can continue with the next."""
    return place.with_name(f"{place.name}-failed-{number}")


def _prepared(job: Job) -> TextIO:
    """Limits of this process, its streams to a file, and a stack on request."""
    job.place.mkdir(parents=True, exist_ok=True)
    stack = (job.place.parent / f"{job.place.name}-{STACK}").open("w", encoding="utf-8")
    sink = os.open(os.devnull, os.O_RDWR)
    for source, stream in ((sink, 0), (sink, 1), (stack.fileno(), 2)):
        os.dup2(source, stream)
    # What a C library would do to the machine between two checks of this process.
    space = status_kb("VmSize") * 1024 + _ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.register(signal.SIGUSR1, file=stack, all_threads=False)
    faulthandler.enable(file=stack)
    return stack


def _enter(case: Case, environment: dict[str, str], path: list[str]) -> None:
    """The case's folder, with settings as every command finds them."""
    os.environ.clear()
    os.environ.update(environment)
    os.environ["TMPDIR"] = str(case.folder / TEMPORARY)
    tempfile.tempdir = None
    sys.path[:] = path
    os.chdir(case.folder)


def _run(case: Case, sentinel: Sentinel, rest_kb: int, limits: verdict.Limits) -> verdict.Verdict:
    began = time.process_time()
    ending = program.run(case.words, encoding=case.encoding)
    spent = time.process_time() - began
    memory_mb = round((status_kb("VmHWM") - rest_kb) / 1024, 1)
    ran = sentinel.seen(case.folder)
    faults = [
        *verdict.too_much(limits, memory_mb=memory_mb, processor_s=spent),
        *verdict.faults_of(case, ending, ran),
    ]
    detail = "\n".join([ending.printed[-4000:], ending.report[-8000:], *ran]) if faults else ""
    return verdict.Verdict(
        number=case.number,
        reader=case.reader,
        seed=case.seed,
        outcome=verdict.outcome_of(faults, ending.exit_code),
        faults=tuple(faults),
        damage=case.damage,
        command=_shown(case.command),
        exit_code=ending.exit_code,
        memory_mb=memory_mb,
        processor_s=round(spent, 3),
        detail=_shown(detail),
    )


def _about(case: Case) -> dict[str, Any]:
    return {
        "reader": case.reader,
        "seed": case.seed,
        "damage": case.damage,
        "command": _shown(case.command),
    }


def _shown(text: str) -> str:
    """Names that are no UTF-8 with their bytes spelt out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _say(answers: TextIO, line: dict[str, Any]) -> None:
    answers.write(json.dumps(line) + "\n")
    answers.flush()
