"""Long commands killed with ``kill -9`` at random moments, and started again.

``python -m fuzz.kill``: each must then complete, to the same bytes as a run in one piece, with no
temporary file or folder left. Half of the moments are times, half are one of the run's own
openings, renamings and removals of files: there half-written results would come from.
"""

import hashlib
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from fuzz.program import import_everything, run
from fuzz.seeds import long_runs

_EVENTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "open"})
_WAIT_S = 600.0
_TEMPORARY = "tmp"
_WHOLE = "whole"


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A run in one piece: how long it took, how many files it touched, what it wrote."""

    wall_s: float
    events: int
    written: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a run is killed: after so many seconds, or at this event; the other is None."""

    after_s: float | None = None
    event: int | None = None


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A run that was to be killed, and its second start.

    Attributes:
        going: it had not ended by itself.
        faults: what the second start left to be desired.
    """

    moment: Moment
    going: bool
    faults: tuple[str, ...]


def kill_runs(name: str, folder: Path, *, moments: int, seed: int = 0) -> list[Killed]:
    """Kill a command of `long_runs.COMMANDS` at so many moments, each time from the start.

    Args:
        folder: emptied first; holds inputs and outputs.

    Raises:
        RuntimeError: the command does not even end well undisturbed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / _TEMPORARY).mkdir(parents=True)
    long_runs.COMMANDS[name].make(folder)
    whole = _whole(name, folder)
    chance = random.Random(f"{seed}/{name}")
    found = []
    for number in range(moments):
        if number % 2:
            moment = Moment(event=chance.randint(1, whole.events))
        else:
            moment = Moment(after_s=whole.wall_s * chance.uniform(0.02, 0.98))
        one = _kill_once(name, folder, f"killed{number}", moment, whole)
        # A run may be faster than the one in a piece was, and be through before its moment.
        while not one.going and not one.faults and moment.after_s:
            moment = Moment(after_s=moment.after_s / 2)
            one = _kill_once(name, folder, f"killed{number}", moment, whole)
        found.append(one)
    return found


def _whole(name: str, folder: Path) -> Whole:
    # The first run fills caches, whose filling is no part of the time.
    for out in ("first", _WHOLE):
        began = time.monotonic()
        code, events = _ended(_start(name, folder, out), folder)
        wall_s = time.monotonic() - began
        if code != 0:
            raise RuntimeError(f"{name}: exit code {code}: {_log(folder)}")
    written = _contents(folder / _WHOLE)
    if written != _contents(folder / "first"):
        raise RuntimeError(f"{name}: two runs differ: {_differences(folder, 'first', written)}")
    return Whole(wall_s=wall_s, events=events, written=written)


def _kill_once(name: str, folder: Path, out: str, moment: Moment, whole: Whole) -> Killed:
    process = _start(name, folder, out, event=moment.event)
    if moment.after_s is not None:
        time.sleep(moment.after_s)
        os.kill(process, signal.SIGKILL)
    killed, _ = _ended(process, folder)
    code, _ = _ended(_start(name, folder, out), folder)
    faults = []
    if code != 0:
        faults.append(f"exit code {code}: {_log(folder)}")
    elif differences := _differences(folder, out, whole.written):
        faults.append(f"other bytes: {differences}")
    left = [path.name for path in (folder / out).rglob("*") if ".partial" in path.name]
    left += [path.name for path in (folder / _TEMPORARY).iterdir()]
    faults += [f"left: {one}" for one in left]
    if not faults:
        shutil.rmtree(folder / out)
    shutil.rmtree(folder / _TEMPORARY)
    (folder / _TEMPORARY).mkdir()
    return Killed(moment=moment, going=killed == -signal.SIGKILL, faults=tuple(faults))


def _start(name: str, folder: Path, out: str, *, event: int | None = None) -> int:
    """The command in a forked child, which kills itself at an event; its process."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.chdir(folder)
        os.environ["TMPDIR"] = str(folder / _TEMPORARY)
        count = _counting(str(folder / out), str(folder / _TEMPORARY), out, event=event)
        ending = run(long_runs.COMMANDS[name].words(out))
        code = 1 if ending.exit_code is None else ending.exit_code
        (folder / "log").write_text(f"{ending.printed}{ending.report}"[-4000:])
        (folder / "events").write_text(str(count()))
    finally:
        os._exit(code)


def _counting(*places: str, event: int | None) -> Callable[[], int]:
    """Count what this process does to files in these places; kill it at one event."""
    count = 0

    def hook(kind: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if kind not in _EVENTS or not str(arguments[0]).startswith(places):
            return
        count += 1
        if count == event:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return lambda: count


def _ended(process: int, folder: Path) -> tuple[int, int]:
    """Exit code, negative for a signal, and number of events."""
    _, status = os.waitpid(process, 0)
    events = folder / "events"
    return os.waitstatus_to_exitcode(status), int(events.read_text()) if events.exists() else 0


def _log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""


def _contents(folder: Path) -> dict[str, str]:
    """Digest of every file but timings, without what tells of the checkout."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            re.sub(rb'"commit": ?("[^"]*"|null)', b"", path.read_bytes())
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in long_runs.TIMINGS
    }


def _differences(folder: Path, out: str, written: Mapping[str, str]) -> str:
    found = _contents(folder / out)
    names = sorted(name for name in {*found, *written} if found.get(name) != written.get(name))
    return ", ".join(names[:5])


def main(
    moments: Annotated[int, typer.Option(min=1, help="Of each command.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Decides the moments.")] = 0,
    command: Annotated[
        list[str] | None,
        typer.Option(help="Only this command; may be repeated.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder.")] = Path("build/kill"),
) -> None:
    """Kill long commands at random moments, start them again, and compare. Exits with 1 on faults.

    What went wrong is left in the output folder.
    """
    unknown = set(command or ()) - set(long_runs.COMMANDS)
    if unknown:
        known = ", ".join(long_runs.COMMANDS)
        raise typer.BadParameter(f"no command {sorted(unknown)[0]!r}; there are {known}")
    import_everything()
    faults = 0
    for name in command or long_runs.COMMANDS:
        began = time.monotonic()
        found = kill_runs(name, output.absolute() / name, moments=moments, seed=seed)
        going = sum(one.going for one in found)
        bad = [one for one in found if one.faults]
        faults += len(bad)
        took = time.monotonic() - began
        print(f"{name}: {moments} moments, {going} while going, {len(bad)} bad, {took:.0f} s")
        for one in bad:
            print(f"  {one.moment}: {'; '.join(one.faults)}")
    if faults:
        raise typer.Exit(1)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
