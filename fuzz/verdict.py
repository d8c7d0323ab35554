"""What an input may not do, and whether it did."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fuzz.cases import INPUT, OUTPUTS, TEMPORARY, Case
from fuzz.program import NAMED_CODES, Ending

_TAG = re.compile(r"<img src=x onerror", re.IGNORECASE)
_FORMULA = re.compile(r"=HYPERLINK")
_MOST_BYTES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an input may take.

    Attributes:
        processor_s: of processor time; also of time spent waiting for nothing.
        wall_s: of time altogether, on a machine that is shared.
        memory_mb: beyond the process at rest.
        recycled_after: inputs of one worker.
    """

    processor_s: float = 10.0
    wall_s: float = 60.0
    memory_mb: float = 1000.0
    recycled_after: int = 150


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How one input ended.

    Attributes:
        outcome: ``success``, ``named`` (error), or the gravest kind of fault.
        faults: every fault, kind and place, alike for inputs with the same one.
        detail: traceback or stack, and what was printed.
        memory_mb: beyond the process at rest.
    """

    number: int
    reader: str
    seed: str
    outcome: str
    faults: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    command: str = ""
    exit_code: int | None = None
    memory_mb: float = 0.0
    processor_s: float = 0.0
    detail: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def from_mapping(table: Mapping[str, Any]) -> Verdict:
    """What `Verdict.to_mapping` gave."""
    lists = {name: tuple(table[name]) for name in ("faults", "damage")}
    return Verdict(**{**table, **lists})


def too_much(limits: Limits, *, memory_mb: float, processor_s: float) -> Iterator[str]:
    """What an input took beyond the limits although it ended."""
    if memory_mb > limits.memory_mb:
        yield "memory: ended above the limit"
    if processor_s > limits.processor_s:
        yield "hang: ended above the limit"


def faults_of(case: Case, ending: Ending, ran: list[str]) -> list[str]:
    """Every other rule that the ended command broke."""
    found = [f"traceback: {ending.fault}"] if ending.fault else []
    if not ending.fault and ending.exit_code not in {0, *NAMED_CODES}:
        found.append(f"exit: code {ending.exit_code}")
    found += [f"code run: {one.split(' ')[0]}" for one in ran]
    found += [f"left: {one}" for one in _left(case.folder)]
    found += [f"harmful: {one}" for one in _harmful(case, ending)]
    return list(dict.fromkeys(found))


def outcome_of(faults: list[str], exit_code: int | None) -> str:
    """One word for the summary."""
    if faults:
        return faults[0].split(":", 1)[0]
    return "success" if exit_code == 0 else "named"


def _left(folder: Path) -> Iterator[str]:
    """Files that no user asked for: in the temporary folder, next to the output, half-written."""
    known = {INPUT, TEMPORARY, *OUTPUTS}
    outside = {path.name for path in folder.parent.iterdir()} - {folder.name}
    for name in sorted({p.name for p in folder.iterdir()} - known):
        yield f"{_kind(name)} in the current folder"
    if any((folder / TEMPORARY).iterdir()):
        yield "files in the temporary folder"
    if outside:
        yield "files outside of the current folder"
    if any(path.name.startswith(".") and ".partial" in path.name for path in folder.rglob(".*")):
        yield "half-written files"


def _kind(name: str) -> str:
    return f"*{Path(name).suffix}" if Path(name).suffix else "a file"


def _harmful(case: Case, ending: Ending) -> Iterator[str]:
    """Names that act on a terminal, a page or a spreadsheet."""
    if "\x1b" in ending.printed:
        yield "an escape sequence on the terminal"
    for name in OUTPUTS:
        output = case.folder / name
        paths = [output] if output.is_file() else sorted(output.rglob("*"))
        for path in paths:
            yield from _harmful_file(path)


def _harmful_file(path: Path) -> Iterator[str]:
    if path.suffix not in (".html", ".md", ".csv", ".svg") or not path.is_file():
        return
    text = path.read_bytes()[:_MOST_BYTES].decode("utf-8", "replace")
    if path.suffix != ".csv":
        if _TAG.search(text):
            yield f"a tag in *{path.suffix}"
        return
    try:
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    except csv.Error:
        cells = []
    if any(_FORMULA.match(cell) for cell in cells):
        yield "a formula in *.csv"
