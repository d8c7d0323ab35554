"""What each part of a model is worth: one run per row, all against the same base.

A file names a base config and rows; a row replaces single values of the base's ``[model]`` table,
or names another model. Every row is an ordinary run in a folder of its own, resumable like any.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hmrm import config
from hmrm.engine.contract import Engine
from hmrm.errors import (
    ConfigError,
    EngineError,
    HmrmError,
    MissingExtraError,
    OutputError,
    shortened,
)
from hmrm.evaluation.ablation.table import AblationTable, FinishedRow, compared, write_table
from hmrm.evaluation.report.runs import read_runs
from hmrm.evaluation.run import evaluate, evaluate_shard
from hmrm.evaluation.settings import Plan, Settings, load_plan
from hmrm.evaluation.task_maps import MapFolder
from hmrm.flow.mapset import MapSet
from hmrm.progress import Progress, silent
from hmrm.shard import Shard
from hmrm.training.registry import find_recogniser, network_sizes, refuse_code

BASE = "base"
DEFAULTS: Mapping[str, Any] = {"folds": "5", "seeds": [0, 1, 2], "features": False}
"""Of ``[evaluation]``, instead of the base config's, unless the file says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the row and of its folder; `BASE` for the base itself.
        part: what is changed, in the paper's words.
        paper: UF1 and UAR that the paper prints for it.
        plan: the base's, changed.
        formerly: the name before, by which the row can still be asked for.
    """

    name: str
    part: str
    paper: tuple[float, float] | None
    plan: Plan
    formerly: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A base, first, and rows that are compared with it."""

    rows: tuple[Row, ...]

    @property
    def digest(self) -> str:
        """12 hex digits over all plans."""
        text = "".join(f"{row.name} {row.plan.digest}\n" for row in self.rows)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def chosen(self, names: Sequence[str]) -> tuple[Row, ...]:
        """The base and the rows called so; all of them where no name is given.

        Raises:
            ConfigError: a name that no row has.
        """
        known = [row.name for row in self.rows]
        former = {row.formerly: row.name for row in self.rows if row.formerly}
        names = [former.get(name, name) for name in names]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConfigError(f"row {unknown[0]!r} is unknown; the file has {', '.join(known)}")
        return tuple(r for r in self.rows if not names or r.name in (BASE, *names))


@dataclass(frozen=True, kw_only=True)
class AblationResult:
    """The table (``ablation.json``), and what stopped a row, by name."""

    table: AblationTable
    failures: Mapping[str, HmrmError]


@dataclass(frozen=True, kw_only=True)
class _RowSettings:
    name: str
    formerly: str | None = None
    part: str = ""
    paper: tuple[float, float] | None = None
    config: str | None = None
    without: tuple[str, ...] = ()


def load_ablation(
    path: Path,
    *,
    folds: str | None = None,
    seeds: int | None = None,
    allow_code: Collection[str] = (),
) -> Ablation:
    """Read an ablation file.

    ``base`` is a config of `hmrm evaluate`, in the same folder; ``[evaluation]`` replaces values of
    its table of that name, over `DEFAULTS`; each ``[[rows]]`` has ``name``, ``part``, perhaps
    ``formerly`` (its name before), ``paper`` (UF1, UAR), and ``model``, a table of what differs.
    Tables are merged key by key; a ``model`` of another ``name`` starts from that model's defaults,
    ``without`` names options of the base to drop first, and ``config`` names a config whose model
    replaces the base's.

    Args:
        folds: instead of the file's.
        seeds: number of seeds from 0, instead of the file's.
        allow_code: modules of which base and rows may name a factory as their model.

    Raises:
        ConfigError: unreadable, unknown key, two rows of one name, a row that changes nothing,
            or a model that is code and was not allowed.
    """
    table = config.read_table(path)
    unknown = sorted(set(table) - {"base", "paper", "evaluation", "rows"})
    if unknown or not isinstance(table.get("base"), str) or not table.get("rows"):
        what = f"unknown key {unknown[0]!r}" if unknown else "no base, or no rows"
        raise ConfigError(
            f"{path}: {what}; an ablation has base, perhaps paper and [evaluation], and [[rows]]"
        )
    base = load_plan(path.parent / table["base"], allow_code=allow_code)
    base = replace(base, settings=_settings(base.settings, table, path, folds=folds, seeds=seeds))
    first = _row(
        {"name": BASE, "paper": table.get("paper")},
        base,
        path,
        where=f"{path}: paper",
        allow_code=allow_code,
    )
    rows = [first, *_rows(table["rows"], base, path, allow_code)]
    return Ablation(rows=tuple(rows))


def ablate(
    mapset: MapSet,
    ablation: Ablation,
    output: Path,
    *,
    only: Sequence[str] = (),
    workers: int = 1,
    engine: Engine | None = None,
    folder: MapFolder | None = None,
    recompute_damaged: bool = False,
    progress: Progress = silent,
) -> AblationResult:
    """Run the base and the rows, and write ``ablation.json`` and ``ablation.md`` after each.

    What is finished is kept, and stands in the table whether it was asked for or not. A row that
    fails is named in the table and stops no other.

    Args:
        only: rows to run in addition to the base; empty runs all.
        workers: processes of each run.
        engine, folder, recompute_damaged: see `hmrm.evaluation.run.evaluate`.
        progress: stages ``rows`` and ``folds``, the latter over all rows.

    Raises:
        ConfigError: unknown row, or a row whose model cannot be built.
        OutputError: ``output`` cannot be written.
    """
    chosen = _buildable(ablation, only)
    failures: dict[str, HmrmError] = {}
    finished: dict[str, FinishedRow] = {}
    for number, row in enumerate(chosen):
        progress("rows", number, len(chosen))
        try:
            advance = _over_all(progress, number, len(chosen))
            evaluate(
                mapset,
                row.plan,
                output / row.name,
                workers=workers,
                engine=engine,
                folder=folder,
                recompute_damaged=recompute_damaged,
                progress=advance,
            )
        except (OutputError, EngineError):
            raise
        except HmrmError as error:
            failures[row.name] = error
        table = _write(mapset, ablation, output, finished, failures)
    progress("rows", len(chosen), len(chosen))
    return AblationResult(table=table, failures=failures)


def ablate_shard(
    mapset: MapSet,
    ablation: Ablation,
    output: Path,
    shard: Shard,
    *,
    only: Sequence[str] = (),
    workers: int = 1,
    recompute_damaged: bool = False,
    progress: Progress = silent,
) -> int:
    """Compute one part of every row's folds, for `ablate` to join; how many these are.

    Raises:
        As `ablate`; a row that fails raises, too.
    """
    chosen, count = _buildable(ablation, only), 0
    for number, row in enumerate(chosen):
        progress("rows", number, len(chosen))
        with _named(row):
            count += evaluate_shard(
                mapset,
                row.plan,
                output / row.name,
                shard,
                workers=workers,
                recompute_damaged=recompute_damaged,
                progress=progress,
            )
    progress("rows", len(chosen), len(chosen))
    return count


def tabulate(mapset: MapSet, ablation: Ablation, output: Path) -> AblationTable:
    """The table of the finished rows, written again; nothing is run.

    Raises:
        DataError: a finished run is damaged.
        OutputError: ``output`` cannot be written.
    """
    return _write(mapset, ablation, output, {}, {})


def _buildable(ablation: Ablation, only: Sequence[str]) -> tuple[Row, ...]:
    """The rows to run; fails before any work where a model cannot be built."""
    chosen = ablation.chosen(only)
    for row in ablation.rows:
        with _named(row), suppress(*(() if row in chosen else (MissingExtraError,))):
            find_recogniser(row.plan.model, row.plan.options)
    return chosen


def _write(
    mapset: MapSet,
    ablation: Ablation,
    output: Path,
    finished: dict[str, FinishedRow],
    failures: Mapping[str, HmrmError],
) -> AblationTable:
    """Add to ``finished`` what is new on disk, and write the table."""
    for row in ablation.rows:
        folder = output / row.name
        known = row.name in finished or row.name in failures
        if known or not (folder / "run.json").is_file():
            continue
        (run,) = read_runs([folder])
        stamp = run.summary.provenance
        if (stamp.config_hash, stamp.data_hash) == (row.plan.digest, mapset.sha256):
            recogniser = find_recogniser(row.plan.model, row.plan.options)
            count = getattr(recogniser, "parameters", None)
            one = FinishedRow(run=run, parameters=None if count is None else count(mapset.classes))
            base = finished.get(BASE)
            finished[row.name] = one if base is None else compared(one, base)
    return write_table(
        output,
        [(row.name, row.part, row.paper) for row in ablation.rows],
        finished,
        {name: str(error) for name, error in failures.items()},
        digest=ablation.digest,
    )


def _settings(
    base: Settings, table: Mapping[str, Any], path: Path, *, folds: str | None, seeds: int | None
) -> Settings:
    own = table.get("evaluation", {})
    if not isinstance(own, Mapping):
        raise ConfigError(f"{path}: evaluation must be a table, got {own!r}")
    values = {**config.to_mapping(base), **DEFAULTS, **own}
    if folds is not None:
        values["folds"] = folds
    if seeds is not None:
        values["seeds"] = list(range(seeds))
    found = config.from_mapping(Settings, values, where=f"{path}: [evaluation]")
    if found.selection == "oracle":
        raise ConfigError(
            f"{path}: selection oracle looks at the test subject, and rows that look more often "
            "would seem better; use fixed or inner"
        )
    return found


def _rows(tables: Any, base: Plan, path: Path, allow_code: Collection[str]) -> Iterator[Row]:
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise ConfigError(f"{path}: rows must be tables: begin each with [[rows]]")
    seen = {BASE}
    for number, table in enumerate(tables, 1):
        where = f"{path}: row {table.get('name', number)}"
        row = _row(table, base, path, where=where, allow_code=allow_code)
        if seen & {row.name, row.formerly}:
            raise ConfigError(f"{where}: the name is taken; give each row its own")
        if row.plan.digest == base.digest:
            raise ConfigError(f"{where}: changes nothing; give model = {{ … }} with what differs")
        seen |= {row.name, row.formerly or row.name}
        yield row


def _row(
    table: Mapping[str, Any], base: Plan, path: Path, *, where: str, allow_code: Collection[str]
) -> Row:
    own = {key: value for key, value in table.items() if key != "model"}
    found = config.from_mapping(_RowSettings, own, where=where)
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", found.name):
        raise ConfigError(f"{where}: name {found.name!r} names a folder: use a-z, 0-9, . _ and -")
    changes = table.get("model", {})
    if not isinstance(changes, Mapping):
        raise ConfigError(f"{where}: model must be a table, got {changes!r}")
    origin = (
        base
        if found.config is None
        else load_plan(path.parent / found.config, allow_code=allow_code)
    )
    absent = sorted(set(found.without) - set(origin.options))
    if absent:
        raise ConfigError(f"{where}: without {absent[0]!r}: the base sets no such option")
    model = changes.get("name", origin.model)
    if not isinstance(model, str):
        raise ConfigError(f"{where}: name of the model must be text, got {shortened(model)}")
    refuse_code(model, allow_code, where=where)
    kept = origin.options if model == origin.model else {}
    options = {key: value for key, value in kept.items() if key not in found.without}
    changes = {key: value for key, value in changes.items() if key != "name"}
    plan = replace(base, model=model, options=_merged(options, changes, where=where))
    return Row(
        name=found.name, part=found.part, paper=found.paper, plan=plan, formerly=found.formerly
    )


def _merged(
    options: Mapping[str, Any], changes: Mapping[str, Any], *, where: str
) -> dict[str, Any]:
    """``options`` with ``changes`` in them, tables key by key; a preset is spelt out first."""
    found = dict(options)
    for key, value in changes.items():
        known = found.get(key)
        if not isinstance(value, Mapping) or (known is None and key != "network"):
            found[key] = value
            continue
        if key == "network" and not isinstance(known, Mapping):
            known = network_sizes(known)
        if not isinstance(known, Mapping):
            raise ConfigError(f"{where}: {key} is {known!r} in the base, no table to change")
        found[key] = _merged(known, value, where=where)
    return found


@contextmanager
def _named(row: Row) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"row {row.name}: {error}") from error


def _over_all(progress: Progress, number: int, rows: int) -> Progress:
    """The progress of one row's run as that of all rows, which have as many folds each."""

    def advance(stage: str, done: int, total: int | None) -> None:
        assert total is not None, "a run knows its folds"
        progress(stage, number * total + done, rows * total)

    return advance
