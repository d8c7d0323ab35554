"""Predictions as a table: one row per clip, matched by clip id and never by position."""

import dataclasses
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from hmrm import atomic, reading
from hmrm.clip import ClipId
from hmrm.csv_cells import Writer, unguarded
from hmrm.datasets.maps.importers import dataset_of_subject
from hmrm.errors import DataError, shortened
from hmrm.evaluation.metrics import Scores, score
from hmrm.evaluation.text_files import example, listed

EXAMPLE = example(
    "id,truth,predicted", "casme2/sub01/EP02_01f,positive,positive", "samm/006/006_1_2,0,2"
)
"""The end of a message about a table of predictions that cannot be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What one model (one seed) says about a set of clips.

    Attributes:
        ids: ``dataset/subject/clip``, ascending, all different.
        truth: index into ``classes``.
        predicted: index into ``classes``.
        classes: all classes of the protocol.
        scores: one number per class, largest wins; None in external tables without them.
        named: False where the source gave no clip names, so that nothing can be matched by id.
    """

    ids: tuple[str, ...]
    truth: Int[np.ndarray, " n"]
    predicted: Int[np.ndarray, " n"]
    classes: tuple[str, ...]
    scores: Float[np.ndarray, "n k"] | None = None
    named: bool = True

    @property
    def subjects(self) -> tuple[str, ...]:
        """``dataset/subject`` of each clip."""
        return tuple(ClipId.parse(name).subject for name in self.ids)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data set of each clip."""
        return tuple(ClipId.parse(name).dataset for name in self.ids)

    def score(self) -> Scores:
        """Pooled scores over all clips."""
        return score(self.truth, self.predicted, classes=self.classes)

    def of_dataset(self, dataset: str) -> "Predictions":
        """The clips of one data set."""
        rows = np.flatnonzero(np.array(self.datasets) == dataset)
        return dataclasses.replace(
            self,
            ids=tuple(self.ids[i] for i in rows),
            truth=self.truth[rows],
            predicted=self.predicted[rows],
            scores=None if self.scores is None else self.scores[rows],
        )


def build_predictions(
    *,
    ids: Sequence[str],
    truth: Int[np.ndarray, " n"],
    predicted: Int[np.ndarray, " n"],
    classes: tuple[str, ...],
    scores: Float[np.ndarray, "n k"] | None = None,
    named: bool = True,
) -> Predictions:
    """Sort rows by id and check that each clip occurs once.

    Raises:
        DataError: a clip twice, or no row at all.
    """
    if not len(ids):
        raise DataError("no predictions; the table is empty")
    order = np.array(sorted(range(len(ids)), key=lambda i: ids[i]), dtype=np.int64)
    ordered = tuple(ids[i] for i in order)
    for name, following in pairwise(ordered):
        if name == following:
            raise DataError(f"clip {name} is predicted twice; keep one row per clip")
    return Predictions(
        ids=ordered,
        truth=truth[order],
        predicted=predicted[order],
        classes=classes,
        scores=None if scores is None else scores[order],
        named=named,
    )


def match(first: Predictions, second: Predictions) -> None:
    """Make sure that two tables speak of the same clips with the same truth.

    Raises:
        DataError: clips without names, of one table only, or with another truth or classes.
    """
    if not (first.named and second.named):
        raise DataError("a table without clip names cannot be matched; add a column id")
    only = sorted(set(first.ids) ^ set(second.ids))
    if only:
        raise DataError(f"{len(only)} clips are in one table only, e.g. {only[0]}; score the same")
    if first.classes != second.classes:
        raise DataError(f"classes differ: {first.classes} and {second.classes}")
    differ = np.flatnonzero(first.truth != second.truth)
    if len(differ):
        raise DataError(f"{first.ids[differ[0]]}: the tables disagree about the true label")


def write_table(path: Path, predictions: Predictions) -> None:
    """Write CSV: id, truth, predicted (class names), then one score column per class.

    Raises:
        OutputError: the file cannot be written.
    """
    lines = io.StringIO()
    writer = Writer(lines)
    scored = predictions.scores is not None
    writer.writerow(
        ["id", "truth", "predicted", *(f"score_{c}" for c in predictions.classes if scored)]
    )
    for i, name in enumerate(predictions.ids):
        row = [name, predictions.classes[predictions.truth[i]]]
        row.append(predictions.classes[predictions.predicted[i]])
        if predictions.scores is not None:
            row += [repr(float(s)) for s in predictions.scores[i]]
        writer.writerow(row)
    atomic.write_text(path, lines.getvalue())


def read_table(path: Path, *, classes: tuple[str, ...]) -> Predictions:
    """Read a CSV of predictions, ours or external.

    Clips are named by a column ``id`` (``dataset/subject/clip``), by ``dataset``, ``subject`` and
    ``clip``, or by ``subject`` alone (then rows are numbered, and nothing can be matched by id).
    ``truth`` and ``predicted`` hold class names or numbers, see `label_of`.

    Raises:
        DataError: unreadable, a column missing, a class unknown, or a clip twice.
    """
    try:
        text = reading.read_text(path, encoding="utf-8-sig")
        _, numbered = reading.table(text)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, reading.DamagedError) as error:
        raise DataError(f"{path}: cannot be read as a table ({error})") from error
    rows = [{name: unguarded(cell or "") for name, cell in row.items()} for _, row in numbered]
    return predictions_of_rows(path, rows, [f"{path} line {n}" for n, _ in numbered], classes)


def predictions_of_rows(
    path: Path,
    rows: Sequence[dict[str, str]],
    where: Sequence[str],
    classes: tuple[str, ...],
) -> Predictions:
    """Predictions of rows by column, see `read_table`.

    Args:
        where: place of each row, for messages.

    Raises:
        DataError: a column missing, a class unknown, a clip twice, or no row at all.
    """
    if not rows:
        raise DataError(f"{path}: holds no predictions; {EXAMPLE}")
    missing = [name for name in ("truth", "predicted") if name not in rows[0]]
    if missing or not {"id", "subject"} & set(rows[0]):
        what = missing[0] if missing else "id or subject"
        raise DataError(f"{path}: no column {what}; found: {listed(tuple(rows[0]))}; {EXAMPLE}")
    named = "id" in rows[0] or {"subject", "clip"} <= set(rows[0])
    scored = [f"score_{c}" for c in classes]
    ids = [_clip_id(r, number=n, where=w) for n, (r, w) in enumerate(zip(rows, where, strict=True))]
    truth, predicted = (_labels(rows, name, classes, where) for name in ("truth", "predicted"))
    scores = _numbers(rows, scored, where) if set(scored) <= set(rows[0]) else None
    try:
        return build_predictions(
            ids=ids, truth=truth, predicted=predicted, classes=classes, scores=scores, named=named
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _clip_id(row: dict[str, str], *, number: int, where: str) -> str:
    if row.get("id"):
        name = row["id"]
    elif row.get("subject"):
        dataset = row.get("dataset") or dataset_of_subject(row["subject"])
        if dataset is None:
            raise DataError(f"{where}: subject {row['subject']!r} of which data set? add a column")
        name = f"{dataset}/{row['subject']}/{row.get('clip') or f'row-{number + 1:05d}'}"
    else:
        raise DataError(f"{where}: no clip; expected columns id, or subject (and clip)")
    try:
        return str(ClipId.parse(name))
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def label_of(text: str, classes: tuple[str, ...]) -> int | None:
    """The class that a cell means: its name in any case, the name's beginning, or its number.

    Example:
        >>> from hmrm.evaluation.predictions import label_of
        >>> [label_of(cell, ("negative", "positive")) for cell in ("Positive", "neg", "1.0", "?")]
        [1, 0, 1, None]
    """
    word = text.strip().casefold()
    names = [name.casefold() for name in classes]
    if word in names:
        return names.index(word)
    beginning = [i for i, name in enumerate(names) if name.startswith(word) and len(word) > 2]
    if len(beginning) == 1:
        return beginning[0]
    whole = re.fullmatch(r"(\d{1,4})(\.0*)?", word)
    return int(whole[1]) if whole and int(whole[1]) < len(classes) else None


def _labels(
    rows: Sequence[dict[str, str]], column: str, classes: tuple[str, ...], where: Sequence[str]
) -> np.ndarray:
    found = []
    for row, line in zip(rows, where, strict=True):
        code = label_of(row[column], classes)
        if code is None:
            raise DataError(
                f"{line}: {column} is {shortened(row[column])}, none of {', '.join(classes)}, nor "
                f"a number from 0 to {len(classes) - 1}{_advice(row[column], rows, classes)}"
            )
        found.append(code)
    return np.array(found, dtype=np.int64)


def _advice(cell: str, rows: Sequence[dict[str, str]], classes: tuple[str, ...]) -> str:
    if cell.strip().casefold() in ("", "nan", "none"):
        return "; a clip without a prediction is no wrong one: predict it, or remove its row"
    cells = {row[column].strip() for row in rows for column in ("truth", "predicted")}
    if cells <= {str(i + 1) for i in range(len(classes))}:
        return "; labels that count from 1 have to be written from 0, or as names"
    return ""


def _numbers(
    rows: Sequence[dict[str, str]], columns: Sequence[str], where: Sequence[str]
) -> np.ndarray:
    found = np.empty((len(rows), len(columns)))
    for i, (row, line) in enumerate(zip(rows, where, strict=True)):
        try:
            found[i] = [float(row[c]) for c in columns]
        except ValueError as error:
            raise DataError(f"{line}: a score is not a number ({error})") from error
    return found
