"""All folds and seeds of a plan, in parallel, resumable at any moment.

A run folder holds ``run.toml`` (the plan), ``identity.json`` (what may not change between
starts), ``folds/seed0/*.json`` (one finished fold each), ``predictions/seed0.csv`` (pooled),
``scores.csv`` (every score as one tidy table), ``run.json`` (scores with their origin) and
``timings.jsonl`` (seconds; the only file that differs between two runs of the same plan).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hmrm import atomic, parallel, records, run_folder
from hmrm.engine.contract import Engine
from hmrm.engine.local import LocalEngine
from hmrm.errors import ConfigError, DataError, OutputError
from hmrm.evaluation.fold_task import FoldCheck, FoldTask, run_task
from hmrm.evaluation.foldfiles import FoldFile, fold_path, read_fold, write_fold
from hmrm.evaluation.leakage import require_separate_subjects
from hmrm.evaluation.protocol import Protocol, build
from hmrm.evaluation.results import RunResult, write_result
from hmrm.evaluation.run_check import RECOMPUTE, compare_fold, pooled_before
from hmrm.evaluation.settings import Plan
from hmrm.evaluation.summary import pool
from hmrm.evaluation.task_maps import (
    CheckedFolder,
    MapFolder,
    TaskMaps,
    frames_sha256,
    shared_arrays,
)
from hmrm.flow.mapset import MapSet
from hmrm.model.contract import Recogniser
from hmrm.progress import Progress, silent
from hmrm.shard import Shard, shard_folders, take
from hmrm.training.registry import find_recogniser

RUN_CONFIG = "run.toml"
"""The plan of a run, in its folder."""

_IDENTITY = "identity.json"
_TIMINGS = "timings.jsonl"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One line of ``timings.jsonl``: seconds that a fold took."""

    file: str
    seed: int
    s: float


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What is computed, and where its results go."""

    mapset: MapSet
    plan: Plan
    protocol: Protocol
    recogniser: Recogniser
    output: Path

    @property
    def identity(self) -> dict[str, str | list[str]]:
        """What may not change between two starts in one folder."""
        found: dict[str, str | list[str]] = {
            "config": self.plan.digest,
            "data": self.mapset.sha256,
            "classes": list(self.protocol.classes),
            "folds": [fold.name for fold in self.protocol.folds],
        }
        if self.recogniser.map_kind == "frames":
            found["frames"] = frames_sha256(self.mapset)
        return found

    def paths(self, seed: int) -> tuple[Path, ...]:
        """The fold files of a seed."""
        return tuple(
            fold_path(self.output, seed=seed, number=number, fold=fold)
            for number, fold in enumerate(self.protocol.folds)
        )

    def tasks(self, maps: TaskMaps) -> list[FoldTask]:
        """Every fold of every seed."""
        plan, first = self.plan, self.plan.settings.seeds[0]
        return [
            FoldTask(
                data=maps,
                out=path,
                plan=plan,
                fold=fold,
                seed=seed,
                features=plan.settings.features and seed == first,
            )
            for seed in plan.settings.seeds
            for path, fold in zip(self.paths(seed), self.protocol.folds, strict=True)
        ]


def evaluate(
    mapset: MapSet,
    plan: Plan,
    output: Path,
    *,
    workers: int = 1,
    engine: Engine | None = None,
    folder: MapFolder | None = None,
    recompute_damaged: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train and test a recogniser on all folds; pooled scores with their origin.

    Finished folds in ``output``, and of parts of the run (`evaluate_shard`), are kept: an
    interrupted run goes on where it stopped, and ends with the same bytes. Every process computes
    on one thread, so that their number changes nothing.

    Args:
        workers: processes; 1 works in this one.
        engine: computes instead of ``workers`` processes of this machine.
        folder: where an engine's workers on other machines find ``mapset``.
        recompute_damaged: compute folds again whose files are damaged or were changed.

    Raises:
        ConfigError: ``output`` or a part of it belongs to another plan or other data, or see
            `find_recogniser`.
        DataError: a split that cannot be, see `hmrm.evaluation.protocol.build`; or a fold file
            is damaged or was changed since it was written.
        EngineError: see `hmrm.engine.contract.Engine`.
        OutputError: ``output`` cannot be written.

    Example:
        Leave one subject out with a mirrored SVM, on the maps of a folder:

        >>> from pathlib import Path
        >>> import hmrm
        >>> from hmrm.evaluation.settings import Plan
        >>> maps = hmrm.load_maps(Path("maps"))
        >>> result = hmrm.evaluate(maps, Plan(model="svm-mirrored"), Path("runs/svm"))
        >>> found = result.predictions[0]  # those of seed 0
        >>> found.ids == maps.ids, found.score().uf1 > 0.9
        (True, True)
    """
    run = _checked(mapset, plan, output)
    with _claimed(run):
        atomic.write_text(output / RUN_CONFIG, plan.dumps())
        _take_shards(run)
        _compute(
            run,
            engine or LocalEngine(workers),
            folder,
            recompute_damaged=recompute_damaged,
            progress=progress,
        )
    folds = _read_folds(run, recompute_damaged=False)
    by_seed = {seed: [folds[path] for path in run.paths(seed)] for seed in plan.settings.seeds}
    result = pool(mapset, plan, run.protocol, by_seed)
    write_result(output, result)
    return result


def evaluate_shard(
    mapset: MapSet,
    plan: Plan,
    output: Path,
    shard: Shard,
    *,
    workers: int = 1,
    recompute_damaged: bool = False,
    progress: Progress = silent,
) -> int:
    """Compute one part of the folds and seeds, for `evaluate` to join; how many these are.

    Args:
        output: the whole run's; the part lies next to it, see `hmrm.shard`.

    Raises:
        As `evaluate`.
    """
    run = _checked(mapset, plan, shard.folder(output))
    with _claimed(run):
        atomic.write_text(run.output / RUN_CONFIG, plan.dumps())
        return _compute(
            run,
            LocalEngine(workers),
            None,
            shard=shard,
            recompute_damaged=recompute_damaged,
            progress=progress,
        )


def _checked(mapset: MapSet, plan: Plan, output: Path) -> _Run:
    protocol = build(
        plan.settings.folds,
        ids=mapset.ids,
        labels=mapset.labels,
        classes=mapset.classes,
        seed=plan.settings.fold_seed,
    )
    require_separate_subjects(mapset, protocol)
    recogniser = find_recogniser(plan.model, plan.options)
    if plan.settings.selection != "fixed" and recogniser.epochs is None:
        raise ConfigError(f"model {plan.model} has no epochs to choose; use --selection fixed")
    return _Run(mapset=mapset, plan=plan, protocol=protocol, recogniser=recogniser, output=output)


def _compute(
    run: _Run,
    engine: Engine,
    folder: MapFolder | None,
    *,
    shard: Shard | None = None,
    recompute_damaged: bool,
    progress: Progress,
) -> int:
    """Compute the folds that are missing and write each when it is there; how many are asked for.

    Only this process writes: a fold that is lost on its way is computed again.
    """
    kept = _read_folds(run, recompute_damaged=recompute_damaged)
    parallel.single_thread()
    with _maps_of(run, engine, folder) as maps:
        tasks = run.tasks(maps) if shard is None else shard.part(run.tasks(maps))
        due = [task for task in tasks if task.out not in kept]
        done = len(tasks) - len(due)
        progress("folds", done, len(tasks))
        check = FoldCheck(data=maps, plan=run.plan)
        for task, (file, seconds) in engine.run_all(run_task, due, check=check):
            write_fold(task.out, file)
            took = Timing(file=task.out.stem, seed=task.seed, s=seconds)
            _append(run.output / _TIMINGS, records.dumps(took, indent=None))
            done += 1
            progress("folds", done, len(tasks))
    return len(tasks)


@contextmanager
def _maps_of(run: _Run, engine: Engine, folder: MapFolder | None) -> Iterator[TaskMaps]:
    """The maps as the process that computes finds them."""
    kind, offset = run.recogniser.map_kind, run.plan.settings.offset_maps
    if engine.reads_here:
        with shared_arrays(run.mapset, run.output, kind=kind, offset=offset) as maps:
            yield maps
        return
    if folder is None:
        raise ConfigError(
            "maps that are in memory alone cannot be reached from other machines; save them, and "
            "give their folder"
        )
    there = replace(folder, path=folder.path.absolute())
    yield CheckedFolder(
        folder=there,
        sha256=run.mapset.sha256,
        frames_sha256=frames_sha256(run.mapset) if kind == "frames" else None,
        kind=kind,
        offset=offset,
    )


def _take_shards(run: _Run) -> None:
    """Copy what parts of the run finished and is not here."""
    paths = [path for seed in run.plan.settings.seeds for path in run.paths(seed)]
    missing = [path.relative_to(run.output) for path in paths if not path.exists()]
    for place in shard_folders(run.output) if missing else ():
        run_folder.require_same(place, _IDENTITY, run.identity)
        for name in [name for name in missing if (place / name).is_file()]:
            take(place / name, run.output / name)
            missing.remove(name)
            _append_timing(place / _TIMINGS, run.output / _TIMINGS, name)


def _read_folds(run: _Run, *, recompute_damaged: bool) -> Mapping[Path, FoldFile]:
    """Every finished fold by its file; those that cannot be trusted are an error, or skipped."""
    found, errors = {}, []
    for seed in run.plan.settings.seeds:
        pooled = pooled_before(run.output, seed, run.mapset.classes)
        for path, fold in zip(run.paths(seed), run.protocol.folds, strict=True):
            try:
                file = read_fold(path, fold, run.mapset)
                if file is not None and pooled is not None and not file.verified:
                    compare_fold(path, file.ids, file.result.scores.argmax(1).tolist(), pooled)
            except DataError as error:
                errors.append(error)
            else:
                if file is not None:
                    found[path] = file
    if errors and not recompute_damaged:
        more = f" (and {len(errors) - 1} others)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}; give {RECOMPUTE} to compute it again")
    return found


def _claimed(run: _Run) -> AbstractContextManager[bool]:
    """Mark the folder as this plan's, or refuse it; see `run_folder.claimed`."""
    advice = f"choose a new folder, or run what {RUN_CONFIG} there states"
    return run_folder.claimed(
        run.output,
        _IDENTITY,
        run.identity,
        more=(RUN_CONFIG,),
        external_files=False,
        advice=advice,
    )


def _append_timing(source: Path, target: Path, fold: Path) -> None:
    """Carry over what a part states of a fold's seconds, where it states them."""
    lines = source.read_text("utf-8").splitlines() if source.is_file() else []
    seed = fold.parent.name.removeprefix("seed")
    for line in lines:
        if f'"file": "{fold.stem}", "seed": {seed},' in line:
            _append(target, f"{line}\n")
            return


def _append(path: Path, line: str) -> None:
    try:
        # One short write with O_APPEND: a kill leaves at most the last line unfinished.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free the place, then start "
            "again: finished folds are kept"
        ) from error
