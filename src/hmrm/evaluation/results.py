"""The result of a run as records: what ``run.json`` holds, and one tidy table of its scores."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

import numpy as np

from hmrm import atomic, records
from hmrm.csv_cells import Writer
from hmrm.datasets.synthetic_mark import TITLE
from hmrm.errors import DataError
from hmrm.evaluation.calibration_scores import CalibrationScores
from hmrm.evaluation.leakage import Leak
from hmrm.evaluation.oracle import OracleControl
from hmrm.evaluation.predictions import Predictions, match, read_table, write_table
from hmrm.evaluation.settings import PlanTables
from hmrm.evaluation.statistics import Chance
from hmrm.provenance import Stamp
from hmrm.records import formerly

COMPOSITE = "composite"
"""All clips pooled, among the names of data sets."""

RUN_FILE, SCORES_FILE = "run.json", "scores.csv"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric of a run in short: mean and standard deviation over seeds, 95 % interval."""

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A metric of a run, with what shows how far to trust it.

    Attributes:
        mean, sd: over seeds; the sample standard deviation is None for one seed.
        count: number of seeds.
        by_seed: in the order of the run's seeds.
        low, high: 95 % bootstrap interval over subjects.
        bootstrap_sd: standard deviation of the bootstrap's draws.
        chance: what guessing gives on the same true labels.
    """

    mean: float
    sd: float | None
    count: int
    by_seed: tuple[float, ...]
    low: float
    high: float
    bootstrap_sd: float
    chance: Chance

    @property
    def measured(self) -> Measured:
        """Mean, standard deviation and interval alone."""
        return Measured(mean=self.mean, sd=self.sd, low=self.low, high=self.high)


@dataclass(frozen=True, kw_only=True)
class PartScores:
    """Scores of all clips, or of those of one data set.

    Attributes:
        f1_by_class, recall_by_class, precision_by_class: means over seeds, in label order.
        confusion: clips summed over seeds, rows truth, columns prediction.
    """

    clips: int
    subjects: int
    uf1: Estimate
    uar: Estimate
    accuracy: Estimate
    f1_by_class: tuple[float, ...]
    recall_by_class: tuple[float, ...]
    precision_by_class: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class EpochRange:
    """Epochs trained or chosen, over all folds and seeds."""

    min: float
    median: float
    max: float


@dataclass(frozen=True, kw_only=True)
class SeedControl:
    """The control of the rule ``oracle`` for one seed."""

    seed: int
    control: OracleControl = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class WeightsUsed:
    """Pretrained weights that were scored, and what their card says."""

    name: str
    sha256: str
    trained_on: str | None = None
    steps: int | None = None
    crop: str | None = None


@dataclass(frozen=True, kw_only=True)
class WeightsTables:
    """The config of a run that trained nothing."""

    weights: WeightsUsed


@dataclass(frozen=True, kw_only=True)
class FileUsed:
    """A file that was read."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class PredictionsTables:
    """The config of a run whose predictions came from elsewhere."""

    predictions: FileUsed


RunConfig = PlanTables | WeightsTables | PredictionsTables


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What ``run.json`` holds: every score of a run with its origin.

    Attributes:
        selection: rule by which the epoch was chosen; ``selection_words`` say it in a sentence.
        folds: scheme of the split; ``none`` or ``unknown`` where nothing was trained here.
        fold_count: of the split; None where nothing was trained here.
        skipped: clips that were not scored.
        named: whether the predictions name their clips; None in runs of ours, which do.
        evaluations: how often pretrained weights were scored on these clips, this time included.
        epochs: None for a model without epochs, absent where nothing was trained here.
        transductive: a clip's scores change with the clips predicted with it.
        scores: `COMPOSITE` first, then each data set where there are several.
        curves: UF1 by epoch for each seed, of ``test_uf1`` and ``inner_uf1`` where recorded.
        oracle_control: for the rule ``oracle``, one for each seed.
        calibration: of all clips pooled; None without scores, and in files from before it.
        synthetic: True where the data were made by ``hmrm datasets synthesize``.
    """

    model: str
    selection: str
    selection_words: str
    folds: str
    fold_count: int | None = None
    seeds: tuple[int, ...]
    classes: tuple[str, ...]
    clips: int
    subjects: int
    skipped: tuple[str, ...]
    named: bool | None = None
    evaluations: int | None = field(default=None, metadata=formerly("looks"))
    epochs: EpochRange | records.Absent | None = records.Absent.ABSENT
    transductive: bool
    warnings: tuple[str, ...]
    leaks: tuple[Leak, ...]
    scores: Mapping[str, PartScores]
    config: RunConfig
    provenance: Stamp
    curves: Mapping[str, tuple[tuple[float, ...], ...]] | None = None
    oracle_control: tuple[SeedControl, ...] | None = None
    calibration: CalibrationScores | None = None
    synthetic: bool | None = None

    @property
    def title(self) -> str:
        """The model, after a mark where the data are synthetic."""
        return f"{TITLE}: {self.model}" if self.synthetic else self.model

    @property
    def composite(self) -> PartScores:
        """Scores of all clips pooled."""
        return self.scores[COMPOSITE]


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """One value of the tidy table.

    Attributes:
        data_set: name of the data set, or `COMPOSITE` for all clips pooled.
        subject: ``dataset/subject``; empty for scores pooled over all subjects.
        model: as the run names it.
        metric: pooled ``clips``, ``accuracy``, ``uf1``, ``uar``, ``f1_CLASS`` and
            ``recall_CLASS``; of a subject ``clips`` and ``accuracy`` alone, since F1 does not add
            up over subjects.
        value: a number of clips, or a fraction from 0 to 1.
    """

    data_set: str
    subject: str
    seed: int
    model: str
    metric: str
    value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResult:
    """Pooled predictions by seed, and what ``run.json`` holds.

    Example:
        >>> from pathlib import Path
        >>> import hmrm
        >>> from hmrm.evaluation.settings import Plan, Settings
        >>> maps = hmrm.load_maps(Path("maps"))
        >>> plan = Plan(model="svm-mirrored", settings=Settings(folds="3"))
        >>> result = hmrm.evaluate(maps, plan, Path("runs/three-folds"))
        >>> uf1 = result.summary.composite.uf1
        >>> uf1.mean > 0.9 > uf1.chance.permuted, len(uf1.by_seed)
        (True, 1)

        Every score is a row of one tidy table, which pandas.DataFrame takes as it is:

        >>> subject = result.table()[-1]
        >>> subject.data_set, subject.subject, subject.metric, round(subject.value, 3)
        ('smic', 'smic/s04', 'accuracy', 0.833)
    """

    predictions: Mapping[int, Predictions]
    summary: RunSummary

    def table(self, *, model: str | None = None) -> tuple[ScoreRow, ...]:
        """Every score of every seed as one tidy table: ``pandas.DataFrame(result.table())``.

        Tables of several runs are joined as tuples are: ``first.table() + second.table()``.

        Args:
            model: what the column of that name holds; None: the run's own name of its model.
        """
        name = self.summary.model if model is None else model
        return tuple(
            row for seed, one in self.predictions.items() for row in _rows(one, seed, name)
        )


def _rows(predictions: Predictions, seed: int, model: str) -> Iterator[ScoreRow]:
    def row(data_set: str, subject: str, metric: str, value: float) -> ScoreRow:
        return ScoreRow(
            data_set=data_set,
            subject=subject,
            seed=seed,
            model=model,
            metric=metric,
            value=value,
        )

    for data_set, part in parts(predictions).items():
        for metric, value in _pooled(part).items():
            yield row(data_set, "", metric, value)
    subjects, right = np.array(predictions.subjects), predictions.predicted == predictions.truth
    home = dict(zip(predictions.subjects, predictions.datasets, strict=True))
    for subject, data_set in sorted(home.items()):
        own = right[subjects == subject]
        yield row(data_set, subject, "clips", float(len(own)))
        yield row(data_set, subject, "accuracy", float(own.mean()))


def _pooled(part: Predictions) -> dict[str, float]:
    found = part.score()
    by_class = {"f1": found.f1.tolist(), "recall": found.recall.tolist()}
    return {
        "clips": float(len(part.ids)),
        "accuracy": found.accuracy,
        "uf1": found.uf1,
        "uar": found.uar,
        **{
            f"{metric}_{name}": value
            for metric, values in by_class.items()
            for name, value in zip(part.classes, values, strict=True)
        },
    }


def parts(predictions: Predictions) -> dict[str, Predictions]:
    """All clips as `COMPOSITE`, then those of each data set."""
    names = sorted(set(predictions.datasets))
    return {COMPOSITE: predictions, **{name: predictions.of_dataset(name) for name in names}}


def write_scores(path: Path, rows: Iterable[ScoreRow]) -> None:
    """Write the tidy table as CSV, a column for each field of `ScoreRow`.

    Raises:
        OutputError: the file cannot be written.
    """
    text = io.StringIO()
    writer = Writer(text)
    writer.writerow(one.name for one in fields(ScoreRow))
    writer.writerows(astuple(row) for row in rows)
    atomic.write_text(path, text.getvalue())


def write_result(output: Path, result: RunResult) -> None:
    """Write predictions and ``scores.csv``, then ``run.json``, whose presence means: finished.

    Raises:
        OutputError: a file cannot be written.
    """
    for seed, predictions in result.predictions.items():
        write_table(output / "predictions" / f"seed{seed}.csv", predictions)
    write_scores(output / SCORES_FILE, result.table())
    records.write(output / RUN_FILE, result.summary)


def read_summary(folder: Path) -> RunSummary:
    """What a run folder's ``run.json`` holds.

    Raises:
        DataError: no finished run, or a file of another form; names file and key.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise DataError(
            f"{folder}: no finished run (no {RUN_FILE}); give the command of the run again to "
            "finish it"
        )
    try:
        return records.read(RunSummary, path)
    except DataError as error:
        raise DataError(f"{error}; not written by this version? run again") from error


def read_result(folder: Path) -> RunResult:
    """A finished run, read back from its folder.

    Raises:
        DataError: not a finished run, damaged, or seeds that do not speak of the same clips.
    """
    summary = read_summary(folder)
    if not summary.seeds:
        raise DataError(f"{folder / RUN_FILE}: names no seed; delete it and run again")
    predictions = {
        seed: read_table(folder / "predictions" / f"seed{seed}.csv", classes=summary.classes)
        for seed in summary.seeds
    }
    if summary.named is not False:
        first, *others = predictions.values()
        for one in others:
            match(first, one)
    return RunResult(predictions=predictions, summary=summary)
