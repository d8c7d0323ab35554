"""One JSON file per fold and seed: written as a whole, read back when a run is resumed.

Its last key, ``sha256``, is the digest of all bytes before it. Files of older versions have none:
they are read, and the run says that they are unverified.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int

from hmrm import atomic, records
from hmrm.errors import DataError
from hmrm.evaluation.fold import FoldResult
from hmrm.flow.mapset import MapSet
from hmrm.records import formerly
from hmrm.subject_folds import Fold


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldFile:
    """What a fold file holds: `FoldResult` with the names of its test clips.

    Attributes:
        verified: the file carries a digest, which is that of its content.
    """

    fold: str
    ids: tuple[str, ...]
    truth: Int[np.ndarray, " t"]
    result: FoldResult
    verified: bool = True


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
    sha256: str | None = None


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
    body = records.dumps(table, indent=None).removesuffix("}\n")
    atomic.write_text(path, body + _digest_key(body.encode()))


def read_fold_table(path: Path) -> FoldTable:
    """A fold file as it stands, its digest compared where it has one.

    Raises:
        DataError: unreadable, damaged, or its content is not what its digest says.
    """
    table = records.read(FoldTable, path)
    if table.sha256 is not None:
        body, key, _ = path.read_bytes().partition(b', "sha256": ')
        if path.read_bytes() != body + _digest_key(body).encode() or not key:
            raise DataError(f"{path}: changed since it was written (its digest differs)")
    clips = len(table.ids)
    if not clips == len(table.truth) == len(table.predicted) == len(table.scores):
        raise DataError(f"{path}: damaged (clips, truth and scores differ in number)")
    largest = tuple(max(range(len(row)), key=row.__getitem__) for row in table.scores if row)
    if largest != table.predicted:
        raise DataError(f"{path}: changed since it was written (classes and scores disagree)")
    return table


def read_fold(path: Path, fold: Fold, mapset: MapSet) -> FoldFile | None:
    """A finished fold, or None where there is none.

    Raises:
        DataError: damaged, changed since it was written, or of other clips.
    """
    if not path.exists():
        return None
    table = read_fold_table(path)
    test = np.array(fold.test)
    if table.ids != tuple(mapset.ids[i] for i in fold.test):
        raise DataError(f"{path}: holds other clips than fold {fold.name} tests")
    if table.truth != tuple(mapset.labels[test].tolist()):
        raise DataError(f"{path}: holds other true labels than the data")
    try:
        found = _result(table)
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error})") from error
    if found.scores.shape != (len(test), len(mapset.classes)):
        raise DataError(f"{path}: damaged (has scores of {found.scores.shape[1]} classes)")
    return FoldFile(
        fold=table.fold,
        ids=table.ids,
        truth=np.array(table.truth, dtype=np.int64),
        result=found,
        verified=table.sha256 is not None,
    )


def _result(table: FoldTable) -> FoldResult:
    epochs, inner, similarity = table.epoch_predictions, table.inner_uf1, table.cosine_similarity
    return FoldResult(
        scores=np.array(table.scores, dtype=np.float64),
        epochs=table.epochs,
        transductive=table.transductive,
        epoch_predictions=None if epochs is None else np.array(epochs),
        inner_uf1=None if inner is None else np.array(inner),
        cosine_similarity=None if similarity is None else np.array(similarity),
    )


def _digest_key(body: bytes) -> str:
    return f', "sha256": "{hashlib.sha256(body).hexdigest()}"}}\n'


def _short(row: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in row)
