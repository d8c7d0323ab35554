"""The figures of a run: a line for each reader, then a line for each fault."""

from collections import Counter
from collections.abc import Iterator, Sequence

from fuzz.verdict import Verdict

KINDS = ("traceback", "exit", "hang", "memory", "crash", "code run", "left", "harmful")
_SHOWN_COMMANDS = 1


def lines(verdicts: Sequence[Verdict], readers: Sequence[str]) -> Iterator[str]:
    """A table as wide as it needs to be."""
    head = ("reader", "inputs", "named errors", "successes", *KINDS, "MB at most", "s at most")
    rows: list[tuple[str, ...]] = [head]
    for name in (*readers, "all"):
        own = [one for one in verdicts if name in (one.reader, "all")]
        outcomes = Counter(one.outcome for one in own)
        counts = (len(own), outcomes["named"], outcomes["success"], *(outcomes[k] for k in KINDS))
        most = max((one.memory_mb for one in own), default=0.0)
        slowest = max((one.processor_s for one in own), default=0.0)
        rows.append((name, *map(str, counts), f"{most:.0f}", f"{slowest:.1f}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        cells = [f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([f"{row[0]:<{widths[0]}}", *cells])
    yield from _faults(verdicts)


def failed(verdicts: Sequence[Verdict]) -> int:
    """How many inputs broke a rule."""
    return sum(bool(one.faults) for one in verdicts)


def _faults(verdicts: Sequence[Verdict]) -> Iterator[str]:
    groups: dict[str, list[Verdict]] = {}
    for one in verdicts:
        for fault in one.faults:
            groups.setdefault(fault, []).append(one)
    if groups:
        yield ""
    for fault, found in sorted(groups.items(), key=lambda item: -len(item[1])):
        readers = ", ".join(sorted({one.reader for one in found}))
        simplest = min(found, key=lambda one: (len(one.damage), one.number))
        yield f"{len(found):6}  {fault} ({readers}); e.g. input {simplest.number}: " + "; ".join(
            simplest.damage
        )
