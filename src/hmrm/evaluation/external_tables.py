"""Predictions made elsewhere, in the forms that the field writes them.

- a table with a header, whose columns go by any usual name (``y_true``, ``y_pred``, ``data`` …);
- a log by data set and subject (MEGC 2019, CapsuleNet): a line ``casme2 sub01``, then a line
  ``EP02_01f 1 0`` for each clip: name, truth, predicted, unless a header line states another order;
- what STSTNet, HTNet and their kin print: ``Subject: 006``, ``Predicted   : [0, 1]``,
  ``Ground Truth: [0, 0]`` for each subject. Clips have no names there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmrm import reading
from hmrm.csv_cells import unguarded
from hmrm.errors import ConfigError, DataError, shortened
from hmrm.evaluation.predictions import EXAMPLE, Predictions, label_of, predictions_of_rows
from hmrm.evaluation.text_files import delimiter_of, head_line, table_text

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "clip_id"),
    "dataset": ("dataset", "data", "data_set", "database", "db"),
    "subject": ("subject", "sub", "subject_id", "subject_name", "subname", "participant"),
    "clip": ("clip", "filename", "filename_o", "file", "video", "sample", "name"),
    "truth": (
        *("truth", "y_true", "true", "ground_truth", "groundtruth", "gt", "true_label"),
        *("actual", "target", "label", "y", "labels"),
    ),
    "predicted": (
        *("predicted", "y_pred", "pred", "prediction", "predict", "predictions"),
        *("pred_label", "predicted_label", "y_hat", "yhat", "output"),
    ),
}
"""Column → names it goes by, in lower case with ``_`` for blanks; the first found is taken."""

_SMIC_CLASSES = {"ne": "negative", "po": "positive", "sur": "surprise"}
_SUBJECT = re.compile(r"Subject(?: name)?\s*:\s*(\S+)", re.IGNORECASE)
_LIST = re.compile(
    r"(best )?(predicted|ground truth)\s*:\s*(?:tensor\(|array\()?\[([^\]]*)\]", re.IGNORECASE
)
_OWN_SCORE = re.compile(r"UF1:\s*([\d.]+)\s*\|\s*UAR:\s*([\d.]+)")
Cells = list[tuple[str, list[str]]]


@dataclass(frozen=True, kw_only=True)
class ExternalPredictions:
    """Predictions, and sentences on how they were read."""

    predictions: Predictions
    notes: tuple[str, ...] = ()


def read_external(
    path: Path, *, classes: tuple[str, ...], columns: Sequence[str] = ()
) -> ExternalPredictions:
    """Read predictions in any of the forms above.

    Args:
        classes: of the protocol, in label order.
        columns: names of a table's columns in the order of the file, for those that have no header
            or another one; of a log by subject ``("clip", "predicted", "truth")``.

    Raises:
        ConfigError: ``columns`` lacks truth or predicted.
        DataError: none of these forms, with an example of one; a class unknown, or a clip twice.
    """
    if columns and not {"truth", "predicted"} <= set(columns):
        raise ConfigError(
            f"columns {', '.join(columns)}: name truth and predicted among them, e.g. "
            "clip,truth,predicted"
        )
    text = table_text(path, if_workbook="save the sheet as CSV")
    lists = list(_LIST.finditer(text))
    if lists and _SUBJECT.search(text):
        return _of_lists(path, text, lists, classes)
    lines = [(f"{path} line {n}", line) for n, line in enumerate(text.splitlines(), 1)]
    cells = [(w, re.split(r"[\s,;]+", line.strip())) for w, line in lines if line.strip(" \t,;|")]
    if _is_log(cells):
        return _of_log(path, cells, classes, columns)
    return ExternalPredictions(predictions=_of_table(path, text, classes, columns))


def _plain(name: str) -> str:
    return re.sub(r"[ \-]+", "_", name.strip().lower())


def _column(name: str) -> str:
    """The column that a name means, else the name itself."""
    plain = _plain(name)
    return next((column for column, names in NAMES.items() if plain in names), name.strip())


def _of_table(
    path: Path, text: str, classes: tuple[str, ...], columns: Sequence[str]
) -> Predictions:
    first = head_line(text)
    if columns and not {"truth", "predicted"} <= {_column(c) for c in re.split(r"[,;\t|]", first)}:
        text = delimiter_of(first).join(columns) + "\n" + text
        names = dict(zip(columns, columns, strict=True))
        skipped = 1
    else:
        names, skipped = {}, 0
    try:
        header, numbered = reading.table(text, delimiter=delimiter_of(first), skip_blanks=True)
    except reading.DamagedError as error:
        raise DataError(f"{path}: cannot be read as a table ({error}); {EXAMPLE}") from error
    if not names:
        for name in header:
            column = _column(name)
            names.setdefault(name, column if column not in names.values() else name)
        for column, aliases in NAMES.items():  # the surest name of a column wins
            best = next((n for a in aliases for n in header if _plain(n) == a), None)
            if best is not None:
                for name in header:
                    if names[name] == column:
                        names[name] = name.strip()
                names[best] = column
    numbered = [(n, row) for n, row in numbered if any((c or "").strip() for c in row.values())]
    rows = [
        {names[name]: unguarded((cell or "").strip()) for name, cell in row.items()}
        for _, row in numbered
    ]
    for row in rows:  # a clip's whole id in the column of its name
        if "id" not in row and "subject" not in row and row.get("clip", "").count("/") >= 2:
            row["id"] = row["clip"]
    places = [f"{path} line {n - skipped}" for n, _ in numbered]
    return predictions_of_rows(path, rows, places, classes)


def _is_log(cells: Cells) -> bool:
    """Whether lines of two words (data set, subject) head lines of three."""
    lengths = [len(row) for _, row in cells[:3]]
    return lengths[:2] == [2, 3] or lengths == [3, 2, 3]


def _of_log(
    path: Path, cells: Cells, classes: tuple[str, ...], columns: Sequence[str]
) -> ExternalPredictions:
    order, rows, where = list(columns), [], []
    dataset = subject = ""
    stated = bool(columns)
    following = [len(row) for _, row in cells[1:]]
    for (place, row), after in zip(cells, [*following, 0], strict=True):
        if len(row) == 2 and after != 3:
            raise DataError(
                f"{place}: {shortened(' '.join(row))} has no clip below it; expected a clip, its "
                "true and its predicted class in each line"
            )
        if len(row) == 2:
            dataset, subject = _subject(*row)
            continue
        header = [_column(cell) for cell in row]
        if len(row) == 3 and {"truth", "predicted"} <= set(header):
            order, stated = (order if columns else header), True
            continue
        if len(row) != 3 or not subject:
            raise DataError(
                f"{place}: got {shortened(' '.join(row))} in a log; expected a data set and a "
                "subject, or a clip, its true and its predicted class"
            )
        found = dict(zip(order or ("clip", "truth", "predicted"), row, strict=True))
        clip = _clip(dataset, found.get("clip", ""))
        rows.append(found | {"id": f"{dataset}/{subject}/{clip}"})
        where.append(place)
    notes = []
    if not stated:
        _check_order(path, rows, classes)
        notes.append(
            "the log has no header: its columns are taken as clip, truth, predicted; where they "
            "are not, give --columns clip,predicted,truth"
        )
    return ExternalPredictions(
        predictions=predictions_of_rows(path, rows, where, classes), notes=tuple(notes)
    )


def _subject(dataset: str, subject: str) -> tuple[str, str]:
    """Data set and subject as the flow maps of MEGC 2019 name them: ``samm 6`` is ``samm/006``."""
    dataset = dataset.lower().replace("_hs", "").replace("-hs", "")
    number = re.fullmatch(r"(?:s|sub)?0*(\d+)", subject, re.IGNORECASE)
    form = {"casme2": "sub{:02d}", "smic": "s{:02d}", "samm": "{:03d}"}.get(dataset)
    return dataset, form.format(int(number[1])) if number and form else subject


def _clip(dataset: str, clip: str) -> str:
    """``s1_ne_01`` is ``s01_ne_01`` in the lists of MEGC 2019."""
    if dataset != "smic":
        return clip
    return re.sub(r"^s(\d)_", r"s0\1_", clip)


def _check_order(path: Path, rows: Sequence[dict[str, str]], classes: tuple[str, ...]) -> None:
    """Refuse where SMIC's clips, whose names hold their class, speak for the other order."""
    agree = {"truth": 0, "predicted": 0}
    for row in rows:
        name = re.fullmatch(r"s\d+_(ne|po|sur)_\d+", row["clip"])
        known = label_of(_SMIC_CLASSES[name[1]], classes) if name else None
        for column in agree:
            agree[column] += known is not None and label_of(row[column], classes) == known
    if agree["predicted"] > agree["truth"]:
        raise DataError(
            f"{path}: which column is the truth? The names of SMIC's clips agree with the third "
            f"column in {agree['predicted']} rows, with the second in {agree['truth']}; give "
            "--columns clip,predicted,truth (or clip,truth,predicted)"
        )


def _of_lists(
    path: Path, text: str, lists: Sequence[re.Match[str]], classes: tuple[str, ...]
) -> ExternalPredictions:
    subjects = list(_SUBJECT.finditer(text))
    rows: list[dict[str, str]] = []
    where: list[str] = []
    seen: set[str] = set()
    best_only = False
    for found, following in zip(subjects, [*subjects[1:], None], strict=True):
        end = following.start() if following else len(text)
        inside = [one for one in lists if found.start() < one.start() < end]
        place = f"{path} line {text.count(chr(10), 0, found.start()) + 1}"
        if not inside:
            continue
        if found[1] in seen:
            raise DataError(f"{place}: subject {found[1]} for the second time; give one run's log")
        seen.add(found[1])
        truth = [one for one in inside if one[2].lower() == "ground truth"]
        last = [one for one in inside if one[2].lower() == "predicted" and not one[1]]
        best = [one for one in inside if one[2].lower() == "predicted" and one[1]]
        if len(truth) != 1 or not (last or best):
            raise DataError(
                f"{place}: subject {found[1]} has {len(truth)} lists 'Ground Truth' and "
                f"{len(last + best)} 'Predicted'; expected one of each"
            )
        best_only = best_only or not last
        labels, predicted = _items(truth[0][3]), _items((last or best)[-1][3])
        if len(labels) != len(predicted):
            raise DataError(
                f"{place}: subject {found[1]} has {len(labels)} true and {len(predicted)} "
                "predicted classes; correct the log"
            )
        for true, guess in zip(labels, predicted, strict=True):
            rows.append({"subject": found[1], "truth": true, "predicted": guess})
            where.append(place)
    predictions = predictions_of_rows(path, rows, where, classes)
    return ExternalPredictions(
        predictions=predictions, notes=tuple(_notes_of_lists(text, predictions, best_only))
    )


def _items(text: str) -> list[str]:
    return re.split(r"[\s,]+", text.strip()) if text.strip() else []


def _notes_of_lists(text: str, predictions: Predictions, best_only: bool) -> list[str]:
    notes = []
    if best_only:
        notes.append(
            "the log has 'Best Predicted' alone: the epoch was chosen on the test subject, which "
            "inflates the score"
        )
    stated = _OWN_SCORE.findall(text)
    if stated:
        uf1, uar = (float(number) for number in stated[-1])
        ours = predictions.score()
        same = abs(ours.uf1 - uf1) < 1e-3 and abs(ours.uar - uar) < 1e-3
        notes.append(
            f"the log's own last line states UF1 {uf1:.4f}, UAR {uar:.4f}: "
            + ("the same" if same else f"its clips give {ours.uf1:.4f}, {ours.uar:.4f}")
        )
    return notes
