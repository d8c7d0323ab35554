"""Writes a report: ``report.html`` (one file), ``report.md`` with ``figures/``, and data.

``report.json`` is everything on the page, ``scores.csv`` the tidy table of all runs.
"""

from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import groupby
from pathlib import Path

import jinja2
import markupsafe

from hmrm import atomic, records
from hmrm.errors import MissingExtraError
from hmrm.evaluation.calibration_scores import SetScores
from hmrm.evaluation.report import figures as draw
from hmrm.evaluation.report.content import (
    GROUPS,
    Cell,
    PairedTest,
    Printed,
    ReportContent,
    build_content,
)
from hmrm.evaluation.report.error_rates import read_emotions
from hmrm.evaluation.report.runs import Run, read_runs, tidy_table
from hmrm.evaluation.results import SCORES_FILE, Measured, write_scores
from hmrm.flow.mapset import MapSet

HARD_LISTS = (
    (
        "suspected_labels",
        "Clips to look at again",
        "All votes agree on one other class: a wrong label, or a hard clip.",
    ),
    ("all_wrong", "Nobody is right", "Every seed of every run is wrong."),
    (
        "disagreement",
        "Models disagree",
        "Each of at least two models is of one mind over its seeds, but not of the same.",
    ),
)
_SHOWN_CLIPS = 21

Figures = Mapping[str, str | Sequence[tuple[str, str]]]
"""Name of a figure → its SVG, or titles and SVGs where it comes once for each run."""


def write_report(
    folders: Sequence[Path],
    output: Path,
    *,
    mapset: MapSet | None = None,
    emotions: Path | None = None,
) -> Path:
    """Write the report over finished runs; the same runs give the same bytes.

    Args:
        folders: run folders; the first decides whose clips the hard cases are about.
        mapset: the data, to draw hard clips; optional.
        emotions: a table with emotion and action units of the clips (`read_emotions`), for error
            rates by both; optional.

    Returns:
        Path of ``report.html``.

    Raises:
        DataError: a folder without finished run, or ``emotions`` cannot be read or matched.
        OutputError: ``output`` cannot be written.
    """
    runs = read_runs(folders)
    content = build_content(runs, emotions=None if emotions is None else read_emotions(emotions))
    images = _figures(runs, content, mapset)
    files = _write_figures(output / "figures", images)
    records.write(output / "report.json", content)
    write_scores(output / SCORES_FILE, tidy_table(runs))
    for name, escape in (("md", False), ("html", True)):
        page = _render(f"page.{name}.j2", content, images, files, escape=escape)
        atomic.write_text(output / f"report.{name}", page)
    return output / "report.html"


def _figures(runs: Sequence[Run], content: ReportContent, mapset: MapSet | None) -> Figures:
    names = content.dataset_names
    found: dict[str, str | Sequence[tuple[str, str]]] = {
        "overview": draw.overview(content.table),
        "classes": draw.class_scores(runs),
        "confusion": [(run.name, draw.confusion_matrices(run, names)) for run in runs],
        "features": _feature_maps(runs, names),
    }
    if any(run.summary.curves for run in runs):
        found["curves"] = draw.learning_curves(runs)
    if content.oracle:
        found["oracle"] = draw.gain_of_oracle(content.oracle)
    hard = content.hard
    if mapset is not None and hard is not None and hard.all_wrong:
        shown = {row.id: row for row in (*hard.suspected_labels, *hard.all_wrong)}
        first = list(shown.values())[:_SHOWN_CLIPS]
        found["clips"] = draw.clip_images(mapset, first, runs[0].seeds[0])
    return found


def _feature_maps(runs: Sequence[Run], names: Mapping[str, str]) -> list[tuple[str, str]]:
    found = []
    for run in runs:
        if run.distance is None:
            continue
        try:
            found.append((run.name, draw.feature_map(run, names)))
        except MissingExtraError:
            # The page stands without this one figure; everything else needs no extra.
            return []
    return found


def _write_figures(folder: Path, images: Figures) -> dict[str, list[tuple[str, str]]]:
    """One file per figure, for Markdown; paths of those that come in several."""
    files: dict[str, list[tuple[str, str]]] = {}
    for key, value in images.items():
        if isinstance(value, str):
            atomic.write_text(folder / f"{key}.svg", value + "\n")
            continue
        files[key] = []
        for number, (name, svg) in enumerate(value):
            atomic.write_text(folder / f"{key}_{number}.svg", svg + "\n")
            files[key].append((name, f"figures/{key}_{number}.svg"))
    return files


def _render(
    template: str,
    content: ReportContent,
    images: Figures,
    files: Mapping[str, Sequence[tuple[str, str]]],
    *,
    escape: bool,
) -> str:
    source = resources.files("hmrm.evaluation.report").joinpath(template).read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=escape, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    groups = [
        (GROUPS[name], list(rows)) for name, rows in groupby(content.table, key=lambda r: r.group)
    ]
    # Our own drawings are markup; everything else on the page is escaped.
    safe = {
        key: markupsafe.Markup(value)
        if isinstance(value, str)
        else [(name, markupsafe.Markup(svg)) for name, svg in value]
        for key, value in images.items()
    }
    optional = dict.fromkeys(("curves", "oracle", "clips", "features"), "")
    return environment.from_string(source).render(
        c=content,
        groups=groups,
        figures={**optional, **safe},
        figure_files=files,
        hard_lists=HARD_LISTS,
        set_rows=_set_rows(content),
        pair=_pair,
        means=_means,
        spread=_spread,
        interval=_interval,
        small=_small,
        signed=_signed,
        verdict=_verdict,
    )


def _set_rows(content: ReportContent) -> list[tuple[str, str, str, SetScores]]:
    """Run, what its sets were calibrated on, rule, and how they hold."""
    return [
        (run.run, by, rule.replace("_", " "), scores)
        for run in content.calibrations
        for by, sets in (
            ("subjects", run.calibration.other_subjects),
            ("data sets", run.calibration.other_data_sets),
        )
        for rule, scores in (sets or {}).items()
    ]


def _pair(cell: Cell | None) -> str:
    """``.749 / .766``, with the spread over seeds where there is one."""
    if cell is None:
        return "–"
    return f"{_number(cell.uf1)} / {_number(cell.uar)}"


def _means(cell: Cell | None) -> str:
    """`_pair` without the spread."""
    if cell is None:
        return "–"
    values = (cell.uf1.mean, cell.uar.mean)
    return " / ".join("–" if value is None else f"{value:.3f}" for value in values)


def _spread(cell: Cell | None) -> str:
    """The spread alone, where there are several seeds."""
    if cell is None:
        return ""
    spreads = [one.sd for one in (cell.uf1, cell.uar) if isinstance(one, Measured)]
    known = [f"{sd:.3f}" for sd in spreads if sd is not None]
    return f"± {' / '.join(known)}" if known else ""


def _number(score: Measured | Printed) -> str:
    if score.mean is None:
        return "–"
    spread = score.sd if isinstance(score, Measured) else None
    return f"{score.mean:.3f}" + (f" ± {spread:.3f}" if spread is not None else "")


def _interval(cell: Cell | None) -> str:
    if cell is None or isinstance(cell.uf1, Printed):
        return ""
    return f"{cell.uf1.low:.3f} to {cell.uf1.high:.3f}"


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _verdict(pair: PairedTest) -> str:
    if pair.looked:
        return "none: one chose on the test subject"
    if pair.uf1.low <= 0:
        return "no difference shown"
    return "better" if pair.p_holm < 0.05 else "better, but not after correction"
