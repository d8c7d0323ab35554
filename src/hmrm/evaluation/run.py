"""All folds and seeds of a plan, in parallel, resumable at any moment.

A run folder holds ``run.toml`` (the plan), ``identity.json`` (what may not change between
starts), ``folds/seed0/*.json`` (one finished fold each), ``predictions/seed0.csv`` (pooled),
``scores.csv`` (every score as one tidy table), ``run.json`` (scores with their origin) and
``timings.jsonl`` (seconds; the only file that differs between two runs of the same plan).
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from hmrm import atomic, parallel, records, run_folder
from hmrm.errors import ConfigError, DataError, OutputError
from hmrm.evaluation.fold import run_fold
from hmrm.evaluation.foldfiles import FoldFile, fold_path, read_fold, write_fold
from hmrm.evaluation.leakage import require_separate_subjects
from hmrm.evaluation.protocol import Protocol, build
from hmrm.evaluation.results import RunResult, write_result
from hmrm.evaluation.run_check import RECOMPUTE, compare_fold, pooled_before
from hmrm.evaluation.settings import Plan
from hmrm.evaluation.summary import pool
from hmrm.flow.mapset import MapSet, canonical_mapset
from hmrm.progress import Progress, silent
from hmrm.subject_folds import Fold
from hmrm.training.registry import find_recogniser

RUN_CONFIG = "run.toml"
"""The plan of a run, in its folder."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One line of ``timings.jsonl``: seconds that a fold took."""

    file: str
    seed: int
    s: float


@dataclass(frozen=True, kw_only=True)
class _Task:
    """All that a worker needs: small, and everything large is on disk."""

    data: Path
    out: Path
    plan: Plan
    fold: Fold
    seed: int
    features: bool


def evaluate(
    mapset: MapSet,
    plan: Plan,
    output: Path,
    *,
    workers: int = 1,
    recompute_damaged: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train and test a recogniser on all folds; pooled scores with their origin.

    Finished folds in ``output`` are kept: an interrupted run goes on where it stopped, and ends
    with the same bytes. Every process computes on one thread, so that their number changes
    nothing.

    Args:
        workers: processes; 1 works in this one.
        recompute_damaged: compute folds again whose files are damaged or were changed.

    Raises:
        ConfigError: ``output`` belongs to another plan or other data, or see `find_recogniser`.
        DataError: a split that cannot be, see `hmrm.evaluation.protocol.build`; or a fold file
            is damaged or was changed since it was written.
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
    with _claimed(output, plan, mapset, protocol):
        atomic.write_text(output / RUN_CONFIG, plan.dumps())
        kept = _read_folds(mapset, plan, protocol, output, recompute_damaged=recompute_damaged)
        parallel.single_thread()
        offset, kind = plan.settings.offset_maps, recogniser.map_kind
        with _shared_data(mapset, output, kind=kind, offset=offset) as data:
            _run_missing(
                mapset, plan, protocol, output, data, kept=kept, workers=workers, progress=progress
            )
    folds = _read_folds(mapset, plan, protocol, output, recompute_damaged=False)
    by_seed = {
        seed: [folds[path] for path in _paths(output, seed, protocol)]
        for seed in plan.settings.seeds
    }
    result = pool(mapset, plan, protocol, by_seed)
    write_result(output, result)
    return result


def _run_missing(
    mapset: MapSet,
    plan: Plan,
    protocol: Protocol,
    output: Path,
    data: Path,
    *,
    kept: Mapping[Path, FoldFile],
    workers: int,
    progress: Progress,
) -> None:
    tasks = []
    for seed in plan.settings.seeds:
        for path, fold in zip(_paths(output, seed, protocol), protocol.folds, strict=True):
            if path not in kept:
                first = seed == plan.settings.seeds[0] and plan.settings.features
                tasks.append(
                    _Task(data=data, out=path, plan=plan, fold=fold, seed=seed, features=first)
                )
    total = len(plan.settings.seeds) * len(protocol.folds)
    done = total - len(tasks)
    progress("folds", done, total)
    run = partial(_run_task, classes=mapset.classes)
    for task, seconds in parallel.run_all(run, tasks, workers=workers):
        done += 1
        took = Timing(file=task.out.stem, seed=task.seed, s=seconds)
        _append(output / "timings.jsonl", records.dumps(took, indent=None))
        progress("folds", done, total)


def _run_task(task: _Task, *, classes: tuple[str, ...]) -> float:
    """Run one fold in a worker and write its file; seconds it took."""
    start = time.perf_counter()
    data = _load_shared(task.data, classes)
    recogniser = find_recogniser(task.plan.model, task.plan.options)
    settings = replace(task.plan.settings, features=task.features)
    try:
        result = run_fold(recogniser, data, task.fold, settings, seed=task.seed)
    except Exception as error:
        error.add_note(f"in model {task.plan.model}, fold {task.fold.name}, seed {task.seed}")
        raise
    test = np.array(task.fold.test)
    write_fold(
        task.out,
        FoldFile(
            fold=task.fold.name,
            ids=tuple(data.ids[i] for i in test),
            truth=np.array(data.labels[test]),
            result=result,
        ),
    )
    return round(time.perf_counter() - start, 4)


@contextmanager
def _shared_data(mapset: MapSet, output: Path, *, kind: str, offset: bool) -> Iterator[Path]:
    """Write the arrays once, so that all workers map the same read-only pages."""
    with atomic.temporary_folder(output, "data") as folder:
        form = mapset if offset else replace(mapset, offset_maps=None)
        try:
            _write_shared(folder, form if kind == "raw" else canonical_mapset(form))
        except OSError as error:  # np.save's has no number where the disk is full
            raise OutputError(
                f"{output}: temporary files cannot be written ({error}); free some space there"
            ) from error
        try:
            yield folder
        finally:
            _load_shared.cache_clear()


def _write_shared(folder: Path, form: MapSet) -> None:
    np.save(folder / "ids.npy", np.array(form.ids))
    np.save(folder / "labels.npy", form.labels)
    np.save(folder / "maps.npy", form.maps)
    crop = json.dumps([form.crop, form.channels_apart])
    (folder / "form.json").write_text(crop, encoding="utf-8")
    if form.offset_maps is not None:
        np.save(folder / "offset_maps.npy", form.offset_maps)


@lru_cache(maxsize=1)
def _load_shared(folder: Path, classes: tuple[str, ...]) -> MapSet:
    back = folder / "offset_maps.npy"
    crop, channels_apart = json.loads((folder / "form.json").read_text(encoding="utf-8"))
    return MapSet(
        ids=tuple(str(i) for i in np.load(folder / "ids.npy")),
        labels=np.load(folder / "labels.npy"),
        maps=np.load(folder / "maps.npy", mmap_mode="r"),
        classes=classes,
        offset_maps=np.load(back, mmap_mode="r") if back.exists() else None,
        crop=crop,
        channels_apart=channels_apart,
    )


def _paths(output: Path, seed: int, protocol: Protocol) -> tuple[Path, ...]:
    return tuple(
        fold_path(output, seed=seed, number=number, fold=fold)
        for number, fold in enumerate(protocol.folds)
    )


def _read_folds(
    mapset: MapSet, plan: Plan, protocol: Protocol, output: Path, *, recompute_damaged: bool
) -> Mapping[Path, FoldFile]:
    """Every finished fold by its file; those that cannot be trusted are an error, or skipped."""
    found, errors = {}, []
    for seed in plan.settings.seeds:
        pooled = pooled_before(output, seed, mapset.classes)
        for path, fold in zip(_paths(output, seed, protocol), protocol.folds, strict=True):
            try:
                file = read_fold(path, fold, mapset)
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


def _claimed(
    output: Path, plan: Plan, mapset: MapSet, protocol: Protocol
) -> AbstractContextManager[bool]:
    """Mark the folder as this plan's, or refuse it; see `run_folder.claimed`."""
    identity = {
        "config": plan.digest,
        "data": mapset.sha256,
        "classes": list(protocol.classes),
        "folds": [fold.name for fold in protocol.folds],
    }
    advice = f"choose a new folder, or run what {RUN_CONFIG} there states"
    return run_folder.claimed(
        output,
        "identity.json",
        identity,
        more=(RUN_CONFIG,),
        external_files=False,
        advice=advice,
    )


def _append(path: Path, line: str) -> None:
    # One short write with O_APPEND: a kill leaves at most the last line unfinished.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
