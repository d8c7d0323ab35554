"""Every system that the paper names, in one page: scores here, costs here, published numbers.

Numbers stand next to each other only where they mean the same: a reduced network and a re-creation
have no published number next to them, since theirs would be another network's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from hmrm import atomic
from hmrm.evaluation.cost.measure import Efficiency
from hmrm.evaluation.cost.page import CostRow, costs, plan_text
from hmrm.evaluation.report.published import Method, published
from hmrm.evaluation.results import RunSummary, read_summary
from hmrm.evaluation.settings import PlanTables
from hmrm.evaluation.systems import SYSTEMS, Kind, System

_FIGURE_SIZE_IN = (8.5, 9.0)
DATASETS = {"composite": "composite", "smic": "SMIC-HS", "casme2": "CASME II", "samm": "SAMM"}

HEADINGS: Mapping[Kind, str] = {
    "whole": "Systems as published, or ours",
    "reduced": "Reduced networks: small enough for folds on a CPU, not the published systems",
    "recreation": "Re-creations: built again from little, not the published systems",
    "counted": "Networks at their published size: counted here, scored by others",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a table and one mark of the figure.

    Attributes:
        measured: here; else as others printed it.
        rule: folds and how the epoch was chosen.
        scores: data set → UF1 and UAR.
        interval: 95 % of the composite's UF1, of runs here.
        cost: of the model, where it was measured.
    """

    system: System
    measured: bool
    rule: str
    scores: Mapping[str, tuple[float | None, float | None]]
    interval: tuple[float, float] | None = None
    cost: Efficiency | None = None


def system_lines(
    runs: Sequence[Path], costs_of: Mapping[str, CostRow], *, systems: Sequence[System] = SYSTEMS
) -> tuple[Line, ...]:
    """Lines of every system, in the systems' order: its runs, then its published number.

    A system without a run or a published number has one line without scores.

    Raises:
        ConfigError: a system's config cannot be read.
        DataError: a folder is not a finished run.
    """
    summaries = [read_summary(run) for run in runs]
    method = {one.name: one for one in published().methods}
    lines: list[Line] = []
    for system in systems:
        row = costs_of.get(system.cost_of or Path(system.model).stem)
        cost = None if row is None else row.cost
        own = [_measured(system, run, cost) for run in summaries if _is_of(run, system)]
        if system.method is not None:
            own.append(_printed(system, method[system.method], None if own else cost))
        lines += own or [Line(system=system, measured=True, rule="no score", scores={}, cost=cost)]
    return tuple(lines)


def _is_of(run: RunSummary, system: System) -> bool:
    if not isinstance(run.config, PlanTables) or run.selection == "oracle":
        return False
    if system.model.endswith(".toml") and not Path(system.model).is_file():
        return False
    if system.kind == "counted" or system.model == "geme-recreation":
        return False
    return plan_text(run.config) == _options(system)


def _options(system: System) -> str:
    if system.model.endswith(".toml"):
        from hmrm.evaluation.settings import load_plan

        return plan_text(load_plan(Path(system.model)).tables)
    return json.dumps({"name": system.model}, sort_keys=True)


def _measured(system: System, run: RunSummary, cost: Efficiency | None) -> Line:
    folds = {"loso": "LOSO", "datasets": "one data set excluded"}.get(
        run.folds, f"{run.folds}-fold"
    )
    epochs = run.epochs
    count = f", {epochs.max:.0f} epochs" if hasattr(epochs, "max") and epochs is not None else ""
    seeds = f", {len(run.seeds)} seeds" if len(run.seeds) > 1 else ""
    found = {name: (part.uf1.mean, part.uar.mean) for name, part in run.scores.items()}
    uf1 = run.composite.uf1
    return Line(
        system=system,
        measured=True,
        rule=f"{folds}{count}{seeds}",
        scores=found,
        interval=(uf1.low, uf1.high),
        cost=cost,
    )


def _printed(system: System, method: Method, cost: Efficiency | None) -> Line:
    words = f"published, LOSO; {method.rule_words}"
    return Line(system=system, measured=False, rule=words, scores=method.scores, cost=cost)


def systems_page(lines: Sequence[Line], *, figure: str) -> str:
    """The page; ``figure`` is the file next to it."""
    text = [
        "# The systems that the paper names",
        "",
        "Written by `hmrm benchmark systems`. UF1 / UAR on the 442 clips of MEGC 2019. Rows in",
        "italics are as others printed them, with the rule that chose their epoch; only a rule",
        "that never saw the test subject is comparable with ours. 5-fold: five folds of whole",
        "subjects, all clips pooled. Epochs were fixed beforehand: STSTNet's are its authors'; 60",
        "for every other network, whose own recipe rests on pretraining or was chosen on test",
        "subjects. Costs: one thread, one clip alone, without flow or the reading of files;",
        "[how they are counted](../benchmarks/models.md).",
        "",
    ]
    for kind, heading in HEADINGS.items():
        chosen = [line for line in lines if line.system.kind == kind]
        if not chosen:
            continue
        text += [f"## {heading}", ""]
        names = " | ".join(DATASETS.values())
        text.append(f"| system | reads | folds and rule | {names} | parameters | MFLOP | ms |")
        text.append("|---|---|---|---:|---:|---:|---:|---:|---:|---:|")
        text += [_row(line) for line in chosen]
        text.append("")
    return "\n".join([*text, f"![UF1 of the composite]({figure})", ""])


def _row(line: Line) -> str:
    cells = [line.system.title, line.system.reads, line.rule]
    cells += [_pair(line.scores.get(name)) for name in DATASETS]
    if not line.measured:
        cells = [f"*{cell}*" for cell in cells]
    if line.cost is None:
        cells += ["", "", ""]
    else:
        mflop, _, _, ms, *_ = costs(line.cost)
        parameters = line.cost.parameters
        cells += ["–" if parameters is None else f"{parameters:,}", mflop, ms]
    return "| " + " | ".join(cells) + " |"


def _pair(values: tuple[float | None, float | None] | None) -> str:
    if values is None:
        return "–"
    return " / ".join("–" if value is None else f"{value:.3f}" for value in values)


def write_systems_figure(path: Path, lines: Sequence[Line]) -> None:
    """Composite UF1 of every line that has one, with our 95 % intervals, as SVG.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown = [line for line in lines if line.scores.get("composite", (None,))[0] is not None]
    # A fixed salt and no date: the same numbers draw the same bytes.
    with rc_context({"svg.hashsalt": "hmrm", "svg.fonttype": "none"}):
        figure = Figure(figsize=_FIGURE_SIZE_IN, layout="constrained")
        axes = figure.add_subplot()
        for place, line in enumerate(reversed(shown)):
            uf1 = line.scores["composite"][0]
            assert uf1 is not None
            if line.interval is not None:
                axes.plot(line.interval, (place, place), color="tab:blue", linewidth=1)
            colour = "tab:blue" if line.measured else "tab:gray"
            face = colour if line.measured else "none"
            axes.scatter([uf1], [place], edgecolors=colour, facecolors=face, zorder=3)
        labels = [f"{line.system.title} ({line.rule})" for line in reversed(shown)]
        axes.set_yticks(range(len(shown)), labels, fontsize=7)
        axes.axvline(1 / 3, color="tab:gray", linestyle=":", linewidth=1)
        axes.set_xlabel("UF1, composite of 442 clips; dotted: guessing")
        axes.set_title("Filled: measured here, with 95 %; hollow: published", fontsize=10)
        axes.grid(axis="x", alpha=0.3)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    atomic.write_text(path, text.getvalue())
