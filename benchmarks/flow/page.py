"""The result as a page for people."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flow.suite import COLUMNS
from benchmarks.flow.verdict import compare, difference, is_classical, summary
from hmrm.flow.metrics import OUTLIER_PX

Scores = dict[str, Any]

ATTENTION = Path(__file__).parent / "attention.json"
"""What ``python -m benchmarks.flow.attention`` found; the page shows it where it exists."""

PASSING = Path(__file__).parent / "passing.json"
"""What ``python -m benchmarks.flow.passing`` found; likewise."""

STEPS = Path(__file__).parent / "steps.json"
"""What ``python -m benchmarks.flow.steps`` collected; likewise."""

_HEAD = """# Optical flow below one pixel

Written by `python -m benchmarks.flow`; the numbers are in `benchmarks/flow/results.json`.

{pairs} pairs a column from {images} images of scikit-image (none is ever used in training),
half with local bumps of motion, half with smooth random fields; the longest vector has the length
the column names. Both frames are resampled, by a cubic spline, so that the flow is known to 1e-4
px; noise is 2 grey levels of 255 unless the column states otherwise. All methods see the same pairs
in one run, on one thread. 8 px (small images: 4 px) at the border are excluded. hmrm
{version}, commit {commit}, OpenCV {opencv}.
"""

_AGAINST = """Smaller is better; ours minus theirs, ± two standard errors over the pairs. The rival
is the best of all classical rows in that very cell, so it is another one from row to row.
"""

_ITERATIONS = """
## Error after each refinement of `gru-aofe`: mean / fastest tenth, px

The weights were trained with 4.

"""

_RANKING = """
## The expected error that `gru-aofe` gives with each pixel

Means over the pairs, px: true error, expected error, true error of the half of the pixels that it
is surest of, and of the other half. AUSE: remove pixels, those first that are expected to be
worst; the mean error that is left, minus the same in the true order, averaged over fractions of 0
to 95 %, in parts of the mean error (0: perfect order). Next to it the same when flat parts of the
image go first, which costs no network, and without any order.

"""

_ATTENTION = """
## Attention inside the GRU, on against off

`python -m benchmarks.flow.attention`: trainings of {steps} steps (`configs/gru-aofe-short.toml`),
{seeds} seeds, the same pairs, crops and noise for both. Mean error on held-out synthetic pairs, px,
and the largest standard deviation over seeds, of either variant or of the difference. So short a
training leaves open what attention is worth at the end of a long one.

"""

_STEPS = """
## Error over training steps

Held-out synthetic pairs of each training behind the shipped weights, one after the other, as
`hmrm train flow` wrote it down (`python -m benchmarks.flow.steps NAME=RUN ...`). Every training has
held-out pairs of its own: compare within a line, not between lines.

![Error over training steps](flow-steps.svg)

"""

_PASSING = """
## Things that pass in front of each other: mean error, px

`python -m benchmarks.flow.passing`: {scenes} synthetic scenes of {width} × {height} px, seven
textured things with affine motion, 3 to 7 px at the fastest pixel of a scene, edges as sharp as a
lens leaves them, noise of 1.5 grey levels. Hidden pixels count. *Near edges*: within 10 px of a
jump of the motion. *Minus*: difference over the scenes, ± two standard errors. hmrm commit
{commit}.

"""

_TAIL = """
## Reading it

- A difference below two standard errors (third table) is none.
- *static* is the mean length of the flow where nothing moved: motion below it cannot be
  distinguished from none. `hmrm.flow.estimate.noise_floor_px` returns it.
- `tvl1` matches the brightness of the apex to the onset first; the row without shows what 3 % of
  gain does otherwise.
- SparseToDense is not stable on small images: its figures there differ from run to run. *nan*
  means that for some pairs it gave something that is no number; it is excluded as a rival there.
- All is synthetic, not filmed: no change of shading, no blur by motion, and things that hide others
  in the last table only.
- CPU ms of `gru-aofe` are those of a median pair, whose motion is smooth; what the median of the
  estimates costs at sharp edges is in the last table, next to the network alone.
- `gru-aofe` is the network and, at sharp edges of motion, a median of it, DeepFlow and DIS
  (`flow/edges.py`); `gru-aofe-fast` is the network alone, and so are the tables of refinements.
- CPU times were taken on a shared machine; compare them within the table only.
"""


def page(result: dict[str, Any]) -> str:
    """The Markdown page of one result."""
    methods = result["methods"]
    head = _HEAD.format(
        pairs=result["pairs_per_column"],
        images=len(result["images"]),
        version=result["provenance"]["hmrm"],
        commit=result["provenance"]["commit"],
        opencv=result["provenance"]["packages"]["opencv-contrib-python-headless"],
    )
    moving = [key for key in COLUMNS if key != "static"]
    sections = [
        head,
        "## Error: mean / on the fastest tenth of the pixels, px\n",
        _error_table(methods, moving),
        "\n## Angle and outliers\n",
        "Mean angular error in degrees, then the fraction of pixels (%) with an error "
        "above 0.1 / 0.25 / 0.5 px.\n",
        _table(methods, ["px_0.3", "px_1", "px_3"], _angle_cell),
        "\n## Standard error of the mean error over pairs, px\n",
        _table(methods, moving, lambda s: f"{s['epe_standard_error_px']:.4f}"),
    ]
    ours = [name for name in methods if name.startswith("gru-aofe")]
    if ours and any(map(is_classical, methods)):
        sections.append(_against_classical(methods, ours))
    if result["inside"]:
        sections += [_iterations(result["inside"]), _ranking(result["inside"])]
    if ATTENTION.exists():
        sections.append(_attention(json.loads(ATTENTION.read_text(encoding="utf-8"))))
    if STEPS.exists():
        sections.append(_steps(json.loads(STEPS.read_text(encoding="utf-8"))))
    if PASSING.exists():
        sections.append(_passing(json.loads(PASSING.read_text(encoding="utf-8"))))
    return "\n".join([*sections, _TAIL])


def _against_classical(methods: dict[str, Any], ours: list[str]) -> str:
    parts = ["\n## GRU-AOFE against the best classical method of each column\n", _AGAINST]
    for name in ours:
        found = compare(methods, name)
        lines = _header(["column", "error", "best classical", "its, px", "ours, px", "", ""])
        for one in found:
            apart = f"{one.difference_px:+.4f} ± {one.uncertainty_px:.4f}"
            texts = [f"{px:.4f}" for px in (one.rival_px, one.ours_px)]
            title = COLUMNS[one.column].title
            lines.append(_row([title, one.part, one.rival, *texts, apart, one.verdict]))
        parts += [summary(found, name) + "\n", "\n".join(lines) + "\n"]
    return "\n".join(parts)


def _iterations(inside: dict[str, Any]) -> str:
    curves, costs = inside["iterations"], inside["iteration_cpu_ms"]
    lines = _header(["refinements", "CPU ms", *(COLUMNS[key].title for key in curves)])
    for index, cost in enumerate(costs):
        cells = [
            f"{mean:.4f} / {fastest:.4f}" for mean, fastest in (c[index] for c in curves.values())
        ]
        lines.append(_row([str(index + 1), f"{cost:.0f}", *cells]))
    return _ITERATIONS + "\n".join(lines) + "\n"


def _ranking(inside: dict[str, Any]) -> str:
    titles = {
        "error_px": "error",
        "expected_px": "expected",
        "surest_half_px": "surest half",
        "other_half_px": "other half",
        "ause": "AUSE",
        "ause_gradient": "by gradient",
        "ause_no_order": "no order",
    }
    lines = _header(["column", *titles.values()])
    for key, means in inside["ranking"].items():
        cells = [f"{means[name]:.3f}" for name in titles]
        lines.append(_row([COLUMNS[key].title, *cells]))
    return _RANKING + "\n".join(lines) + "\n"


def _attention(found: dict[str, Any]) -> str:
    titles = {"epe_px": "all pixels", "static_px": "pairs that stand still"}
    lines = _header(["", "with", "without", "with minus without", "largest spread", "verdict"])
    for key, title in titles.items():
        row = found[key]
        figures = [f"{row[name]:.4f}" for name in ("on", "off")]
        apart = [f"{row['on_minus_off']:+.4f}", f"{row['spread']:.4f}"]
        lines.append(_row([title, *figures, *apart, row["verdict"]]))
    head = _ATTENTION.format(steps=found["steps"], seeds=len(found["seeds"]))
    return head + "\n".join(lines) + "\n"


def _steps(found: dict[str, Any]) -> str:
    titles = ["training", "steps", "zero flow, px", "first error, px", "half-way", "last"]
    lines = _header([*titles, "last, still pairs"])
    for training in found["trainings"]:
        rows = training["rows"]
        half = min(rows, key=lambda row: abs(2 * row["step"] - rows[-1]["step"]))
        errors = [row["epe_px"] for row in (rows[0], half, rows[-1])]
        figures = [rows[-1]["zero_epe_px"], *errors, rows[-1]["static_px"]]
        texts = [f"{px:.3f}" for px in figures]
        lines.append(_row([training["name"], str(rows[-1]["step"]), *texts]))
    return _STEPS + "\n".join(lines) + "\n"


def _passing(found: dict[str, Any]) -> str:
    keys = {f"epe_px gain {gain}": f"all, gain {100 * gain:+.0f} %" for gain in found["gains"]}
    keys |= {"near_edges_px": "near edges", "elsewhere_px": "elsewhere", "median_px": "median"}
    plain, *_ = keys
    rivals = [name for name in ("tvl1", "deepflow") if name in found["methods"]]
    minus = [f"minus `{rival}`" for rival in rivals]
    lines = _header(["method", *keys.values(), *minus, "CPU s"])
    for name, scores in found["methods"].items():
        cells = [f"{np.mean(scores[key]):.3f}" for key in keys]
        for rival in rivals:
            apart, uncertainty = difference(scores[plain], found["methods"][rival][plain])
            cells.append("" if name == rival else f"{apart:+.3f} ± {uncertainty:.3f}")
        lines.append(_row([name, *cells, f"{np.median(scores['cpu_s']):.1f}"]))
    width, height = found["size_wh_px"]
    head = _PASSING.format(
        scenes=found["scenes"], width=width, height=height, commit=found["provenance"]["commit"]
    )
    return head + "\n".join(lines) + "\n"


def _error_table(methods: dict[str, Any], moving: list[str]) -> str:
    best = {key: _best(methods, key) for key in moving}
    floor = min(
        m["columns"]["static"]["length_px"] for name, m in methods.items() if name != "zero flow"
    )
    titles = [COLUMNS[key].title for key in moving]
    lines = _header(["method", "CPU ms", "MB", *titles, "static"])
    for name, method in methods.items():
        memory = method["peak_memory_mb_224"]
        cells = [name, f"{method['cpu_ms_224']:.0f}", "" if memory is None else f"{memory:.0f}"]
        for key in moving:
            scores = method["columns"][key]
            cells.append(
                f"{_marked(scores['epe_px'], best[key][0])} / "
                f"{_marked(scores['epe_fastest_px'], best[key][1])}"
            )
        cells.append(_marked(method["columns"]["static"]["length_px"], floor))
        lines.append(_row(cells))
    return "\n".join(lines)


def _best(methods: dict[str, Any], key: str) -> tuple[float, float]:
    columns = [method["columns"][key] for method in methods.values()]
    parts = ("epe_px", "epe_fastest_px")
    mean, fastest = (float(np.nanmin([column[part] for column in columns])) for part in parts)
    return mean, fastest


def _table(methods: dict[str, Any], keys: list[str], cell: Callable[[Scores], str]) -> str:
    lines = _header(["method", *(COLUMNS[key].title for key in keys)])
    lines += [
        _row([name, *(cell(method["columns"][key]) for key in keys)])
        for name, method in methods.items()
    ]
    return "\n".join(lines)


def _angle_cell(scores: Scores) -> str:
    fractions = [
        100 * fraction
        for limit, fraction in zip(OUTLIER_PX, scores["outliers"], strict=True)
        if limit <= 0.5
    ]
    return f"{scores['angular_deg']:.1f}; " + " / ".join(
        f"{fraction:.1f}" for fraction in fractions
    )


def _marked(value: float, best: float) -> str:
    text = f"{value:.3f}"
    return f"**{text}**" if value <= best + 5e-5 else text


def _header(titles: list[str]) -> list[str]:
    return [_row(titles), _row(["---"] * len(titles))]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
