"""The table of an ablation: what each change did to the base, on the same people."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmrm import atomic
from hmrm.evaluation.report.content import DATASET_NAMES
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.statistics import holm, paired_bootstrap
from hmrm.evaluation.summary import COMPOSITE

SIGNIFICANT = 0.05
NONE_SHOWN = "no difference shown"
SAME = "same score in every draw"
"""Of a row that does not touch what the model does here, or of one written twice."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Finished:
    """A finished run, and the size of its network, where it has one.

    Attributes:
        difference: UF1 and UAR less the base's, once they were compared.
    """

    run: Run
    parameters: int | None
    difference: Mapping[str, Any] | None = None


def compared(finished: Finished, base: Finished) -> Finished:
    """With the paired bootstrap over subjects: row minus base, the same people drawn for both."""
    found = paired_bootstrap(base.run.seeds, finished.run.seeds, generator=np.random.default_rng(0))
    difference = {name: dataclasses.asdict(found[name]) for name in ("uf1", "uar")}
    return dataclasses.replace(finished, difference=difference)


def write_table(
    output: Path,
    rows: Sequence[tuple[str, str, tuple[float, float] | None]],
    finished: Mapping[str, Finished],
    failures: Mapping[str, str],
    *,
    digest: str,
) -> dict[str, Any]:
    """Write ``ablation.json`` and ``ablation.md``; return what the former holds.

    Args:
        rows: name, part and the paper's figures of all rows, the base first.
        finished: those that are, by name.
        failures: what stopped a row, by name.

    Raises:
        OutputError: a file cannot be written.
    """
    content = build_table(rows, finished, failures, digest=digest)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    atomic.write_text(output / "ablation.json", text + "\n")
    atomic.write_text(output / "ablation.md", as_markdown(content))
    return content


def build_table(
    rows: Sequence[tuple[str, str, tuple[float, float] | None]],
    finished: Mapping[str, Finished],
    failures: Mapping[str, str],
    *,
    digest: str,
) -> dict[str, Any]:
    """Every row as plain values, with a verdict where it and the base are finished.

    ``verdict`` speaks of the change, by UF1: it helps or hurts where the 95 % interval of the
    difference excludes 0; ``p_holm`` is corrected for the number of rows compared.
    """
    table = [
        {
            "name": name,
            "part": part,
            "paper": None if paper is None else list(paper),
            **_values(finished.get(name)),
        }
        for name, part, paper in rows
    ]
    tested = [row for row in table if row["difference"] is not None]
    corrected = holm([row["difference"]["uf1"]["p"] for row in tested])
    for row, p in zip(tested, corrected, strict=True):
        row["p_holm"] = p
        row["verdict"] = verdict(row["difference"]["uf1"], p)
    for row in table:
        row["failed"] = failures.get(row["name"])
    first = next(iter(finished.values()), None)
    return {
        "rows": table,
        "configurations": sum(row["scores"] is not None for row in table),
        **(_origin(first.run.summary, digest) if first is not None else {}),
    }


def _values(finished: Finished | None) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("parameters", "seeds", "scores", "difference", "p_holm", "verdict", "config")
    )
    if finished is None:
        return empty
    summary = finished.run.summary
    wanted = ("mean", "sd", "by_seed", "low", "high")
    scores = {
        dataset: {
            **{m: {k: part[m][k] for k in wanted} for m in ("uf1", "uar", "accuracy")},
            "f1_by_class": part["f1_by_class"],
        }
        for dataset, part in summary["scores"].items()
    }
    return {
        **empty,
        "parameters": finished.parameters,
        "seeds": summary["seeds"],
        "scores": scores,
        "difference": finished.difference,
        "config": summary["config"],
    }


def _origin(summary: Mapping[str, Any], digest: str) -> dict[str, Any]:
    stamp = summary["provenance"]
    return {
        **{key: summary[key] for key in ("folds", "classes", "clips", "subjects")},
        "selection_words": summary["selection_words"],
        "skipped": len(summary["skipped"]),
        "provenance": {**stamp, "config_hash": digest},
    }


def verdict(difference: Mapping[str, float], p_holm: float) -> str:
    """What the change does to UF1."""
    if difference["low"] == difference["value"] == difference["high"] == 0:
        return SAME
    if difference["low"] <= 0 <= difference["high"]:
        return NONE_SHOWN
    word = "helps" if difference["value"] > 0 else "hurts"
    return word if p_holm < SIGNIFICANT else f"{word}, but not after correction"


def as_markdown(content: Mapping[str, Any]) -> str:
    """The table for reading."""
    lines = ["# Ablation", ""]
    if not content["configurations"]:
        return "\n".join([*lines, "No row is finished yet.", *_unfinished(content), ""])
    lines += [origin_words(content), ""]
    paper = any(row["paper"] for row in content["rows"])
    classes = [f"F1 {name}" for name in content["classes"]]
    head = ["row", "part", "UF1", "UAR", *classes, "UF1 − base", "95 %", "p (Holm)"]
    head += ["the change", "parameters", *(["paper"] if paper else [])]
    lines += [_line(head), _line(["---", "---", *["---:"] * (len(head) - 2)])]
    for row in content["rows"]:
        if row["scores"] is not None:
            cells = [row_name(row, content), row["part"], *row_cells(row, by_class=True)]
            if paper:
                cells.append(" / ".join(f"{v:.3f}" for v in row["paper"] or ()) or "–")
            lines.append(_line(cells))
    lines += ["", _NOTE]
    if paper:
        lines.append("The paper's figures are on CASME II; how its epoch was chosen is not told.")
    lines += [*_by_dataset(content), *_unfinished(content)]
    return "\n".join(lines) + "\n"


_NOTE = (
    "± is the standard deviation over seeds. The difference is row minus base, its interval a "
    "paired bootstrap over subjects; the change helps or hurts where it excludes 0. The verdict "
    "speaks of the change: a part whose removal hurts is worth having."
)


def origin_words(content: Mapping[str, Any]) -> str:
    """One sentence on what the numbers stand on."""
    origin = content["provenance"]
    return (
        f"{content['configurations']} configurations tried; {content['clips']} clips of "
        f"{content['subjects']} subjects, {content['skipped']} skipped; folds: "
        f"{content['folds']}; {content['selection_words']}; seeds {origin['seeds']}; data "
        f"{(origin['data_hash'] or '–')[:12]}, config {origin['config_hash']}, commit "
        f"{origin['commit'] or '–'}."
    )


def row_name(row: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """With the number of its seeds, where the base has others."""
    if row["seeds"] == content["provenance"]["seeds"]:
        return str(row["name"])
    return f"{row['name']} (seeds {', '.join(map(str, row['seeds']))})"


def row_cells(row: Mapping[str, Any], *, by_class: bool) -> list[str]:
    """UF1, UAR, perhaps F1 by class, difference, interval, p, verdict and parameters."""
    whole = row["scores"][COMPOSITE]
    cells = [score(whole["uf1"]), score(whole["uar"])]
    if by_class:
        cells += [f"{value:.3f}" for value in whole["f1_by_class"]]
    found = row["difference"]
    if found is None:
        cells += ["", "", "", ""]
    else:
        uf1 = found["uf1"]
        low, high = signed(uf1["low"]), signed(uf1["high"])
        cells += [signed(uf1["value"]), f"{low} to {high}", f"{row['p_holm']:.3f}", row["verdict"]]
    return [*cells, "–" if row["parameters"] is None else f"{row['parameters']:,}"]


def _by_dataset(content: Mapping[str, Any]) -> list[str]:
    done = [row for row in content["rows"] if row["scores"] is not None]
    datasets = [name for name in done[0]["scores"] if name != COMPOSITE]
    if not datasets:
        return []
    head = ["UF1 / UAR", *(DATASET_NAMES.get(name, name) for name in datasets)]
    lines = ["", "## By data set", "", _line(head), _line(["---", *["---:"] * len(datasets)])]
    for row in done:
        parts = [row["scores"][name] for name in datasets]
        cells = [f"{score(part['uf1'])} / {score(part['uar'])}" for part in parts]
        lines.append(_line([row["name"], *cells]))
    return lines


def _unfinished(content: Mapping[str, Any]) -> list[str]:
    open_rows = [row for row in content["rows"] if row["scores"] is None]
    lines = [f"- {r['name']}: failed: {r['failed']}" for r in open_rows if r["failed"]]
    waiting = [row["name"] for row in open_rows if not row["failed"]]
    if waiting:
        lines.append(f"- not run yet: {', '.join(waiting)}")
    return ["", "## Not finished", "", *lines] if lines else []


def score(found: Mapping[str, Any]) -> str:
    """Mean and spread over seeds."""
    return f"{found['mean']:.3f}" + ("" if found["sd"] is None else f" ± {found['sd']:.3f}")


def signed(value: float) -> str:
    """Three digits after the point, with a sign."""
    return f"{value:+.3f}".replace("-", "−")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
