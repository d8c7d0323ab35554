"""One JSON file per fold and seed: written as a whole, read back when a run is resumed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hmrm import atomic
from hmrm.evaluation.fold import FoldResult
from hmrm.evaluation.protocol import Fold


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldFile:
    """What a fold file holds: `FoldResult` with the names of its test clips."""

    fold: str
    ids: tuple[str, ...]
    truth: Int[np.ndarray, " t"]
    result: FoldResult


def fold_path(run: Path, *, seed: int, number: int, fold: Fold) -> Path:
    """``run/folds/seed0/000_name.json``; the number keeps the order, the name is for people."""
    name = fold.name.replace("/", "-")
    return run / "folds" / f"seed{seed}" / f"{number:03d}_{name}.json"


def write_fold(path: Path, fold: FoldFile) -> None:
    """Write a fold file; the same fold gives the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    result = fold.result
    table: dict[str, Any] = {
        "fold": fold.fold,
        "epochs": result.epochs,
        "transductive": result.transductive,
        "ids": list(fold.ids),
        "truth": fold.truth.tolist(),
        "predicted": result.scores.argmax(1).tolist(),
        "scores": result.scores.tolist(),
    }
    if result.epoch_predictions is not None:
        table["epoch_predictions"] = result.epoch_predictions.tolist()
    if result.inner_uf1 is not None:
        table["inner_uf1"] = result.inner_uf1.tolist()
    if result.likeness is not None:
        # Four digits place a dot on a picture; all of them would make a run ten times as large.
        table["likeness"] = [[round(float(v), 4) for v in row] for row in result.likeness]
    atomic.write_text(path, json.dumps(table, ensure_ascii=False) + "\n")


def read_fold(path: Path, fold: Fold, ids: tuple[str, ...]) -> FoldFile | None:
    """A finished fold, or None where there is none, or one that power loss left in pieces."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        found = FoldFile(
            fold=table["fold"],
            ids=tuple(table["ids"]),
            truth=np.array(table["truth"], dtype=np.int64),
            result=FoldResult(
                scores=np.array(table["scores"], dtype=np.float64),
                epochs=table["epochs"],
                transductive=table["transductive"],
                epoch_predictions=_integers(table.get("epoch_predictions")),
                inner_uf1=_numbers(table.get("inner_uf1")),
                likeness=_numbers(table.get("likeness")),
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.ids == tuple(ids[i] for i in fold.test) else None


def _numbers(values: Any) -> Float[np.ndarray, "..."] | None:
    return None if values is None else np.array(values, dtype=np.float64)


def _integers(values: Any) -> Int[np.ndarray, "..."] | None:
    return None if values is None else np.array(values, dtype=np.int64)
