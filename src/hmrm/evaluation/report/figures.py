"""The report's figures, as SVG text that is the same for the same numbers."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hmrm.clip import ClipId
from hmrm.errors import MissingExtraError
from hmrm.evaluation.predictions import Predictions
from hmrm.evaluation.report.content import OracleRow, TableRow
from hmrm.evaluation.report.hard import HardClip
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.results import COMPOSITE, Measured
from hmrm.flow.mapset import MapSet, canonical_maps

INK, SOFT, LINE = "#1d2430", "#5b6675", "#dfe4ea"
# Okabe and Ito's colours, distinguished by most colour-blind readers.
PALETTE = ("#D55E00", "#009E73", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9", "#5b6675")
MARKERS = "os^DvP*"
_WIDTH = 10.4
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
}


@contextmanager
def svg_figure(width: float, height: float, *, salt: str) -> Iterator[tuple[Figure, list[str]]]:
    """Yield a figure and a list that holds its SVG when the block has ended."""
    done: list[str] = []
    with mpl.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, done
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    done.append(text[text.index("<svg") :].strip())


def overview(rows: Sequence[TableRow]) -> str:
    """Composite UF1 of every method; ours with interval, hollow where the test subject chose."""
    known = [(row, row.scores[COMPOSITE].uf1) for row in rows if COMPOSITE in row.scores]
    shown = [(row, uf1, uf1.mean) for row, uf1 in known if uf1.mean is not None][::-1]
    # A published number has no interval; it may lie as far left as .3.
    lowest = min(uf1.low if isinstance(uf1, Measured) else 0.3 for _, uf1, _ in shown)
    with svg_figure(_WIDTH, 0.9 + 0.24 * len(shown), salt="overview") as (figure, done):
        axes = figure.subplots()
        for y, (row, uf1, mean) in enumerate(shown):
            colour, right = PALETTE[2] if row.own else SOFT, mean
            if isinstance(uf1, Measured):
                axes.plot([uf1.low, uf1.high], [y, y], color=colour, lw=2, alpha=0.45)
                right = uf1.high
            fill = "white" if row.group == "on_test" else colour
            axes.plot(mean, y, "o", ms=6, mfc=fill, mec=colour, mew=1.4)
            axes.text(right + 0.008, y, f"{mean:.3f}", va="center", fontsize=8, color=colour)
        axes.set_yticks(range(len(shown)), [row.name for row, *_ in shown])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(axis="x", color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.set_xlim(min(0.3, lowest - 0.03), 1.0)
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.set_xlabel("UF1 on the composite; hollow: chosen on the test subject")
    return done[0]


def confusion_matrices(run: Run, names: Mapping[str, str]) -> str:
    """One panel per data set: fraction of each true class (rows), clips in small print."""
    scores = run.summary.scores
    parts = [d for d in names if d in scores]
    with svg_figure(2.35 * len(parts) + 0.9, 2.6, salt=f"confusion {run.name}") as (figure, done):
        row = figure.subplots(1, len(parts), squeeze=False)[0]
        for axes, part in zip(row, parts, strict=True):
            _confusion(axes, scores[part].confusion, run.summary.classes, len(run.seeds))
            axes.set_title(names[part])
            if axes is not row[0]:
                axes.set_yticklabels([])
        row[0].set_ylabel("true")
    return done[0]


def _confusion(
    axes: Axes, confusion: Sequence[Sequence[int]], classes: Sequence[str], seeds: int
) -> None:
    counts = np.array(confusion) / seeds
    fractions = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*counts.shape):
        ink = "white" if fractions[i, j] > 0.55 else INK
        axes.text(j, i - 0.08, f"{fractions[i, j]:.2f}", ha="center", va="center", color=ink)
        number = f"{counts[i, j]:.0f}" if seeds == 1 else f"{counts[i, j]:.1f}"
        axes.text(j, i + 0.27, number, ha="center", va="center", color=ink, fontsize=6.5)
    short = [c[:3] for c in classes]
    axes.set_xticks(range(len(classes)), short)
    axes.set_yticks(range(len(classes)), short)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted")


def class_scores(runs: Sequence[Run]) -> str:
    """F1 of each class on the composite, one group of bars per class."""
    classes = runs[0].summary.classes
    width = 0.8 / len(runs)
    with svg_figure(_WIDTH, 2.8, salt="class scores") as (figure, done):
        axes = figure.subplots()
        for number, run in enumerate(runs):
            values = run.summary.composite.f1_by_class
            x = np.arange(len(values)) + (number - (len(runs) - 1) / 2) * width
            colour = PALETTE[number % len(PALETTE)]
            bars = axes.bar(x, values, width * 0.92, color=colour, label=run.name)
            if len(runs) <= 4:
                axes.bar_label(bars, fmt="%.2f", fontsize=7, color=SOFT, padding=1)
        axes.set_xticks(range(len(classes)), classes)
        axes.set_ylim(0, 1)
        axes.set_ylabel("F1")
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return done[0]


def embed(distance: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n 2"]:
    """t-SNE of clips from their distances; the same distances give the same figure.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingExtraError(
            "the feature map needs scikit-learn: pip install 'hmrm[research]'"
        ) from error
    perplexity = min(30.0, (len(distance) - 1) / 3)
    tsne = TSNE(
        metric="precomputed", init="random", random_state=0, perplexity=perplexity, n_jobs=1
    )
    return np.asarray(tsne.fit_transform(distance), dtype=np.float64)


def feature_map(run: Run, names: Mapping[str, str]) -> str:
    """Clips by the models' cosine similarity, coloured by class and by data set."""
    assert run.distance is not None, "asked for runs with features only"
    points, table = embed(run.distance), run.seeds[0]
    wrong = table.predicted != table.truth
    by_class = [table.classes[t] for t in table.truth]
    by_dataset = [names.get(d, d) for d in table.datasets]
    with svg_figure(_WIDTH, 4.6, salt=f"features {run.name}") as (figure, done):
        left, right = figure.subplots(1, 2)
        _scatter(left, points, by_class, list(table.classes), wrong)
        _scatter(right, points, by_dataset, sorted(set(by_dataset)), np.zeros(len(wrong), bool))
        left.set_title("by true class; ring: named wrongly", loc="left")
        right.set_title("by data set", loc="left")
    return done[0]


def _scatter(
    axes: Axes,
    points: Float[np.ndarray, "n 2"],
    groups: Sequence[str],
    order: Sequence[str],
    ringed: np.ndarray,
) -> None:
    for number, name in enumerate(order):
        rows = np.array([g == name for g in groups])
        colour = PALETTE[number % len(PALETTE)]
        marker = MARKERS[number % len(MARKERS)]
        axes.scatter(
            points[rows, 0],
            points[rows, 1],
            s=14,
            c=colour,
            marker=marker,
            lw=0,
            alpha=0.8,
            label=name,
        )
    axes.scatter(
        points[ringed, 0], points[ringed, 1], s=44, facecolors="none", edgecolors=INK, lw=0.7
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(fontsize=7.5, loc="upper left", bbox_to_anchor=(0, -0.02), ncols=len(order))


def learning_curves(runs: Sequence[Run]) -> str:
    """UF1 by epoch: test clips (recorded, never used, but by oracle) and inner subjects."""
    plotted = [(r, r.summary.curves) for r in runs if r.summary.curves]
    words = {"test_uf1": "test subjects", "inner_uf1": "inner subjects"}
    with svg_figure(_WIDTH, 3.0, salt="curves") as (figure, done):
        axes = figure.subplots()
        for number, (run, by_kind) in enumerate(plotted):
            colour = PALETTE[number % len(PALETTE)]
            for kind, curves in by_kind.items():
                values = np.array(curves)
                x = np.arange(1, values.shape[1] + 1)
                style = "-" if kind == "test_uf1" else "--"
                label = f"{run.name}: {words[kind]}"
                axes.plot(x, values.mean(0), style, color=colour, lw=1.4, label=label)
                if len(values) > 1:
                    axes.fill_between(
                        x, values.min(0), values.max(0), color=colour, alpha=0.15, lw=0
                    )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("UF1")
        axes.grid(color=LINE, lw=0.6)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return done[0]


def gain_of_oracle(oracle: Sequence[OracleRow]) -> str:
    """UF1 with and without choosing on the test subject, on true labels and on permuted ones."""
    columns = (
        ([o.true_last for o in oracle], "last epoch", PALETTE[2]),
        ([o.true_looking for o in oracle], "best epoch on the test subject", PALETTE[0]),
        ([o.permuted_last for o in oracle], "permuted labels: last epoch", "#b8c4d4"),
        ([o.permuted_looking for o in oracle], "permuted labels: best epoch", "#f0b48a"),
    )
    with svg_figure(min(_WIDTH, 5.2 + 2.0 * len(oracle)), 2.8, salt="oracle") as (figure, done):
        axes = figure.subplots()
        for number, (scores, label, colour) in enumerate(columns):
            x = np.arange(len(oracle)) + (number - 1.5) * 0.2
            bars = axes.bar(x, [uf1 for uf1, _ in scores], 0.18, color=colour, label=label)
            axes.bar_label(bars, fmt="%.3f", fontsize=7, color=SOFT, padding=1)
        axes.set_xticks(range(len(oracle)), [o.run for o in oracle])
        for at, row in enumerate(oracle):
            axes.plot([at - 0.45, at + 0.45], [row.guess] * 2, color=INK, lw=1, ls=":")
        axes.set_xlim(-0.6, len(oracle) - 0.4)
        axes.set_ylim(0, 1)
        axes.set_ylabel("UF1, composite; dotted: guessing")
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return done[0]


def clip_images(mapset: MapSet, rows: Sequence[HardClip], table: Predictions) -> str:
    """Flow (arrows) over strain of some clips, with their true class and the votes."""
    known = {name: i for i, name in enumerate(mapset.ids)}
    shown = [r for r in rows if r.id in known and r.id in set(table.ids)]
    maps = canonical_maps(mapset.select([known[r.id] for r in shown]))
    maps_by_id = dict(zip((r.id for r in shown), maps, strict=True))
    columns = 7
    lines = -(-len(shown) // columns)
    with svg_figure(_WIDTH, 1.95 * lines, salt="clips") as (figure, done):
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, row in zip(grid.flat, shown, strict=False):
            u, v, strain = maps_by_id[row.id]
            axes.imshow(strain, cmap="Greys", vmin=0, vmax=np.quantile(strain, 0.99) * 1.6)
            at = np.arange(1, 28, 3)
            x, y = np.meshgrid(at, at)
            axes.quiver(x, y, u[y, x], v[y, x], angles="xy", color=PALETTE[2], scale=24, width=0.01)
            votes = ", ".join(f"{name[:3]} {n}" for name, n in row.votes.items())
            clip = ClipId.parse(row.id)
            title = f"{clip.dataset} {clip.clip}\n{row.truth[:3]}; predicted {votes}"
            axes.set_title(title, fontsize=7)
    return done[0]
