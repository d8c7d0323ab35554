"""Draw the figures of docs/recognition/ablations.md from the tables that stand in it.

    python tools/draw_ablations.py

A section with tables gets one figure, of all its rows that were compared with a base.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hmrm import atomic
from hmrm.evaluation.ablation.figure import Change, changes_figure

PAGE = Path(__file__).resolve().parents[1] / "docs/recognition/ablations.md"
FIGURES = {
    "What each part of the network is worth": "ablation-parts.svg",
    "The same on CASME II alone": "ablation-casme2.svg",
    "The paper's size grid": "ablation-grid.svg",
}


def figures() -> Iterator[tuple[Path, str]]:
    """Where each figure lies, and its SVG."""
    text = PAGE.read_text(encoding="utf-8")
    for heading, name in FIGURES.items():
        _, found, rest = text.partition(f"## {heading}\n")
        if not found:
            raise SystemExit(f"{PAGE}: has no section {heading!r}")
        section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
        yield PAGE.parent / "figures" / name, changes_figure(list(changes(section)))


def changes(section: str) -> Iterator[Change]:
    """Rows of a section's tables with a difference and its interval."""
    columns: list[str] = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or set(cells[0]) <= {"-"}:
            continue
        if cells[0] == "row":
            columns = cells
            continue
        row = dict(zip(columns, cells, strict=False))
        interval = re.fullmatch(r"([+−][.\d]+) to ([+−][.\d]+)", row.get("95 %", ""))
        if interval:
            low, high = (_number(end) for end in interval.groups())
            yield Change(row["part"] or row["row"], _number(row["UF1 − base"]), low, high)


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


if __name__ == "__main__":
    for path, svg in figures():
        atomic.write_text(path, svg + "\n")
        sys.stdout.write(f"{path}\n")
