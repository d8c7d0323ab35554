"""One JSON file per fold and seed: written as a whole, read back when a run is resumed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int

from hmrm import records
from hmrm.errors import DataError
from hmrm.evaluation.fold import FoldResult
from hmrm.evaluation.protocol import Fold
from hmrm.records import formerly


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldFile:
    """What a fold file holds: `FoldResult` with the names of its test clips."""

    fold: str
    ids: tuple[str, ...]
    truth: Int[np.ndarray, " t"]
    result: FoldResult


@dataclass(frozen=True, kw_only=True)
class FoldTable:
    """`FoldFile` as JSON: lists for arrays; see `hmrm.evaluation.fold.FoldResult`."""

    fold: str
    epochs: int | None
    transductive: bool
    ids: tuple[str, ...]
    truth: tuple[int, ...]
    predicted: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]
    epoch_predictions: tuple[tuple[int, ...], ...] | None = None
    inner_uf1: tuple[float, ...] | None = None
    cosine_similarity: tuple[tuple[float, ...], ...] | None = field(
        default=None, metadata=formerly("likeness")
    )


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
    epochs, cosine_similarity = result.epoch_predictions, result.cosine_similarity
    table = FoldTable(
        fold=fold.fold,
        epochs=result.epochs,
        transductive=result.transductive,
        ids=fold.ids,
        truth=tuple(fold.truth.tolist()),
        predicted=tuple(result.scores.argmax(1).tolist()),
        scores=tuple(map(tuple, result.scores.tolist())),
        epoch_predictions=None if epochs is None else tuple(map(tuple, epochs.tolist())),
        inner_uf1=None if result.inner_uf1 is None else tuple(result.inner_uf1.tolist()),
        # Four digits place a dot on a figure; all of them would make a run ten times as large.
        cosine_similarity=None
        if cosine_similarity is None
        else tuple(map(_short, cosine_similarity.tolist())),
    )
    records.write(path, table, indent=None)


def read_fold(path: Path, fold: Fold, ids: tuple[str, ...]) -> FoldFile | None:
    """A finished fold, or None where there is none, or one that power loss left in pieces."""
    try:
        table = records.read(FoldTable, path)
    except DataError:
        return None
    if table.ids != tuple(ids[i] for i in fold.test):
        return None
    return FoldFile(
        fold=table.fold,
        ids=table.ids,
        truth=np.array(table.truth, dtype=np.int64),
        result=FoldResult(
            scores=np.array(table.scores, dtype=np.float64),
            epochs=table.epochs,
            transductive=table.transductive,
            epoch_predictions=(
                None if table.epoch_predictions is None else np.array(table.epoch_predictions)
            ),
            inner_uf1=None if table.inner_uf1 is None else np.array(table.inner_uf1),
            cosine_similarity=None
            if table.cosine_similarity is None
            else np.array(table.cosine_similarity),
        ),
    )


def _short(row: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in row)
