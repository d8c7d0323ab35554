"""One command in a forked child: how it ended, and what it took beyond this process at rest.

As a script it serves requests, a line of JSON each, from a process that has imported the program
and done nothing else: ``python -m fuzz.measured``.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any, TextIO

from fuzz.processes import forget_peak, processor_s, resident_kb, status_kb
from fuzz.program import Ending, import_everything, run

_LOOK_S = 0.01


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run one command.

    Args:
        request: ``words``, ``folder`` to run in, ``most_s`` and ``most_mb`` at which it is stopped,
            and perhaps ``environment``, ``encoding`` and ``largest_file`` in bytes.

    Returns:
        ``exit_code`` (None: an exception came through; -9: stopped), ``printed``, ``report``,
        ``processor_s`` and ``memory_mb``.
    """
    rest_kb = resident_kb(os.getpid())
    # A file, not a pipe: an answer of any length never makes the child wait.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        child = os.fork()
        if not child:
            try:
                _answer(request, answer)
            finally:
                os._exit(0)
        _watch(child, request, rest_kb)
        _, _, usage = os.wait4(child, 0)
        answer.seek(0)
        text = answer.read()
    found = json.loads(text) if text else {"exit_code": -9, "printed": "", "report": "stopped"}
    # A child that was stopped could not report what it took: it had reached a limit.
    found.setdefault("memory_mb", round((usage.ru_maxrss - rest_kb) / 1024, 1))
    return {**found, "processor_s": round(usage.ru_utime + usage.ru_stime, 3)}


def _answer(request: Mapping[str, Any], answer: TextIO) -> None:
    sink = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(sink, stream)
    os.chdir(request["folder"])
    sys.path.append(request["folder"])
    os.environ.update(request.get("environment", {}))
    if "largest_file" in request:
        largest = request["largest_file"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    forget_peak()
    rest_kb = status_kb("VmRSS")
    ending: Ending = run(request["words"], encoding=request.get("encoding", "utf-8"))
    found = {
        "exit_code": ending.exit_code,
        "printed": ending.printed,
        "report": ending.report,
        "memory_mb": round((status_kb("VmHWM") - rest_kb) / 1024, 1),
    }
    # Unlimited again, whatever the command was limited to.
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    answer.write(json.dumps(found))
    answer.flush()


def _watch(child: int, request: Mapping[str, Any], rest_kb: int) -> None:
    """Return when the child has ended; stop it where it goes too far."""
    began = time.monotonic()
    while not _ended(child):
        grown_mb = (resident_kb(child) - rest_kb) / 1024
        spent_s = processor_s(child)
        waited_s = time.monotonic() - began
        if (
            grown_mb > request["most_mb"]
            or spent_s > request["most_s"]
            or waited_s > 20 * request["most_s"]
        ):
            os.kill(child, signal.SIGKILL)
            return
        time.sleep(_LOOK_S)


def _ended(child: int) -> bool:
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, child, flags) is not None


def _serve() -> None:
    import_everything()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(measure(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
