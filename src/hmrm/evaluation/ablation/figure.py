"""The figure of an ablation: how far each change moves UF1, with its interval."""

from collections.abc import Sequence
from typing import NamedTuple

from hmrm.evaluation.report.figures import INK, LINE, PALETTE, SOFT, svg_figure


class Change(NamedTuple):
    """One row less the base, in UF1: difference, and its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


def changes_figure(changes: Sequence[Change]) -> str:
    """UF1 minus the base's, a line per row, as SVG; hollow where the interval holds 0."""
    widest = max(max(-one.low, one.high) for one in changes) + 0.02
    with svg_figure(8.0, 0.9 + 0.26 * len(changes), salt="ablation") as (figure, done):
        axes = figure.subplots()
        axes.axvline(0.0, color=SOFT, lw=1.0)
        for y, one in enumerate(reversed(changes)):
            axes.plot([one.low, one.high], [y, y], color=PALETTE[2], lw=2, alpha=0.45)
            fill = "white" if one.low <= 0 <= one.high else PALETTE[2]
            axes.plot(one.value, y, "o", ms=6, mfc=fill, mec=PALETTE[2], mew=1.4)
        axes.set_yticks(range(len(changes)), [one.name for one in reversed(changes)])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(axis="x", color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.set_xlim(-widest, widest)
        axes.set_ylim(-0.7, len(changes) - 0.3)
        axes.set_xlabel("UF1 minus the base's, 95 % over subjects; hollow: the interval holds 0")
    return done[0]
