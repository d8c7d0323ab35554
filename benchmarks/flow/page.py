"""The result as a page for people."""

from collections.abc import Callable
from typing import Any

from benchmarks.flow.suite import COLUMNS
from hmrm.flow.metrics import OUTLIER_PX

Scores = dict[str, Any]

_HEAD = """# Optical flow below one pixel

Written by `python -m benchmarks.flow`; the numbers are in `benchmarks/flow/results.json`.

{pairs} pairs a column from {pictures} pictures of scikit-image (none is ever used in training),
half with local bumps of motion, half with smooth random fields; the longest vector has the length
the column names. Both frames are resampled, by a cubic spline, so that the flow is known to 1e-4
px; noise is 2 grey levels of 255 unless the column says otherwise. All methods see the same pairs
in one run, on one thread. 8 px (small pictures: 4 px) at the border are left out. hmrm
{version}, commit {commit}, OpenCV {opencv}.
"""

_TAIL = """
## Reading it

- A difference below two standard errors (last table) is none.
- *static* is the mean length of the flow where nothing moved: motion below it cannot be told from
  none. `hmrm.flow.estimate.noise_floor_px` returns it.
- `tvl1` matches the brightness of the apex to the onset first; the row without shows what 3 % of
  gain does otherwise.
- The pairs are drawn, not filmed: there is no occlusion, no change of shading, no blur by
  motion.
- CPU times were taken on a shared machine; compare them within the table only.
"""


def page(result: dict[str, Any]) -> str:
    """The Markdown page of one result."""
    methods = result["methods"]
    head = _HEAD.format(
        pairs=result["pairs_per_column"],
        pictures=len(result["pictures"]),
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
        "Mean angular error in degrees, then the share of pixels (%) with an error above "
        "0.1 / 0.25 / 0.5 px.\n",
        _table(methods, ["px_0.3", "px_1", "px_3"], _angle_cell),
        "\n## Standard error of the mean error over pairs, px\n",
        _table(methods, moving, lambda s: f"{s['epe_standard_error_px']:.4f}"),
        _TAIL,
    ]
    return "\n".join(sections)


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
    return min(c["epe_px"] for c in columns), min(c["epe_fastest_px"] for c in columns)


def _table(methods: dict[str, Any], keys: list[str], cell: Callable[[Scores], str]) -> str:
    lines = _header(["method", *(COLUMNS[key].title for key in keys)])
    lines += [
        _row([name, *(cell(method["columns"][key]) for key in keys)])
        for name, method in methods.items()
    ]
    return "\n".join(lines)


def _angle_cell(scores: Scores) -> str:
    shares = [
        100 * share
        for limit, share in zip(OUTLIER_PX, scores["outliers"], strict=True)
        if limit <= 0.5
    ]
    return f"{scores['angular_deg']:.1f}; " + " / ".join(f"{share:.1f}" for share in shares)


def _marked(value: float, best: float) -> str:
    text = f"{value:.3f}"
    return f"**{text}**" if value <= best + 5e-5 else text


def _header(titles: list[str]) -> list[str]:
    return [_row(titles), _row(["---"] * len(titles))]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
