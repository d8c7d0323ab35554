"""From a data set on disk to flow maps that `hmrm evaluate` reads; interruptible at any moment.

The output folder holds ``faces/`` (aligned onset and apex of each clip), ``flow/`` (its map),
``maps.npz`` (all maps, see `hmrm.datasets.maps.prepared`), ``clips.csv`` (what was made of each
clip), ``skipped.csv`` (what was left out, and why) and ``prepare.json`` (settings, counts,
origin).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hmrm import atomic, config, parallel, provenance
from hmrm.clip import CLASSES, ClipId, Oddity
from hmrm.datasets.annotations.labels import Scheme, class_names, class_of
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.check_dataset import group_oddities
from hmrm.datasets.load import (
    Loaded,
    LoadOptions,
    is_composite,
    load_composite,
    load_dataset,
)
from hmrm.datasets.maps.prepared import write_prepared
from hmrm.datasets.preparation.given_points import Points, points_without_clip, read_points
from hmrm.datasets.preparation.output_folder import (
    CLIP_COLUMNS,
    CLIPS,
    SUMMARY,
    claim,
    faces_of,
    remove_others,
    write_table,
)
from hmrm.datasets.preparation.prepare_clip import (
    ClipSettings,
    Job,
    Outcome,
    Prepared,
    is_current,
    prepare_clip,
    read_result,
)
from hmrm.datasets.sources.catalogue import COMPOSITE, DATASETS
from hmrm.errors import ConfigError, DataError
from hmrm.faces.crops import CANONICAL
from hmrm.flow.apex_difference import RULES
from hmrm.flow.estimate import build_estimator
from hmrm.flow.mapset import build_mapset
from hmrm.progress import Progress, silent

STAGE = "prepare"


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """What is prepared, and how.

    Attributes:
        clip: see `ClipSettings`.
        classes: scheme of ``labels.csv``; the composite has its own three.
        macro: take macro-expressions too, where the data set has them.
        faces: table of five points by clip id, instead of detection.
        load: see `LoadOptions`.
    """

    clip: ClipSettings = field(default_factory=ClipSettings)
    classes: Scheme = "three"
    macro: bool = False
    faces: Path | None = None
    load: LoadOptions = field(default_factory=LoadOptions)


@dataclass(frozen=True, kw_only=True)
class PrepareReport:
    """What came out.

    Attributes:
        clips: ids that are in the maps.
        skipped: clips and rows left out, with reasons.
        oddities: of tables, folders and files.
        made: how many were made now; the others were there already.
        removed: clips of earlier runs that are in the maps no more; their files were deleted.
        faces: where each clip's face is from: given, or how it was detected.
        earlier_faces: the same of the run before.
        maps: the file with all maps.
    """

    clips: tuple[str, ...]
    skipped: tuple[Skip, ...]
    oddities: tuple[Oddity, ...]
    made: int
    removed: int
    faces: Mapping[str, str]
    earlier_faces: Mapping[str, str]
    maps: Path

    @property
    def grouped_oddities(self) -> list[dict[str, Any]]:
        """Each kind once, with its count."""
        return group_oddities(self.oddities)

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left out for each kind of reason, most frequent first."""
        return dict(Counter(skip.kind for skip in self.skipped).most_common())

    @property
    def other_faces(self) -> dict[str, int]:
        """How many clips have their face from elsewhere than in the run before."""
        before = self.earlier_faces
        changed = ((before.get(clip, now), now) for clip, now in self.faces.items())
        return dict(Counter(f"{was} → {now}" for was, now in changed if was != now).most_common())


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """The clips to prepare with folder and label, and all that is known to be left out.

    ``made_from`` is what they have in common; frames, faces and corrections are each clip's.
    """

    made_from: dict[str, Any]
    wanted: tuple[tuple[Record, int, Path], ...]
    classes: tuple[str, ...]
    parts: tuple[Loaded, ...]
    skipped: tuple[Skip, ...]


@dataclass(frozen=True, kw_only=True)
class _Left:
    """What a reader must know beside the maps."""

    skipped: Sequence[Skip]
    oddities: Sequence[Oddity]


def prepare(
    name: str,
    root: Path,
    output: Path,
    settings: PrepareConfig | None = None,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> PrepareReport:
    """Prepare a data set; clips made earlier are kept while record and pictures are the same.

    Args:
        name: see `hmrm.datasets.sources.catalogue.names`.
        root: folder of the data set.
        output: folder to write; made where it does not exist.
        workers: processes, one thread each.

    Raises:
        ConfigError: no such data set, estimator, rule or scheme, or the folder holds results of
            another data set or of other settings.
        DataError: the data set cannot be read, not one clip can be prepared, or faces are given
            and none of them is of a clip here.
        OutputError: a file cannot be written.
        MissingExtraError: faces are to be found and torch is not installed.
    """
    settings = settings or PrepareConfig()
    _check(settings)
    plan = _plan(name, root, settings)
    points = read_points(settings.faces) if settings.faces else {}
    unused = _unused(points, plan, settings.faces)
    ours = claim(output, plan.made_from)
    earlier = faces_of(output) if ours else {}
    jobs = [_job(one, output, settings, points) for one in plan.wanted]
    outcomes, made = _run(jobs, workers=workers, progress=progress)
    failed = [
        Skip(what=clip, reason=one.reason, kind=one.kind)
        for clip, one in outcomes.items()
        if one.reason
    ]
    good = [job for job in jobs if not outcomes[job.record.id].reason]
    skipped = (*plan.skipped, *failed)
    write_table(output / "skipped.csv", ("what", "reason", "kind"), (asdict(s) for s in skipped))
    if not good:
        first = skipped[0].reason if skipped else "no clip is in it"
        raise DataError(f"{root}: not one clip of {name} could be prepared; first reason: {first}")
    good.sort(key=lambda job: job.record.id)
    results = _results(good)
    oddities = [o for part in plan.parts for o in part.annotations.oddities]
    oddities += unused
    oddities += [Oddity(**note) for result in results for note in result.info["notes"]]
    maps = _write(output, good, results, plan, settings, _Left(skipped=skipped, oddities=oddities))
    clips = [job.record.id for job in good]
    return PrepareReport(
        clips=tuple(clips),
        skipped=skipped,
        oddities=tuple(oddities),
        made=made,
        removed=remove_others(output, clips) if ours else 0,
        faces={r.info["id"]: r.info["face"] for r in results},
        earlier_faces=earlier,
        maps=maps,
    )


def _check(settings: PrepareConfig) -> None:
    build_estimator(settings.clip.flow)
    if settings.clip.apex not in RULES:
        raise ConfigError(f"apex rule {settings.clip.apex!r}; choose one of {', '.join(RULES)}")
    if settings.load.table_only:
        raise ConfigError("prepare needs frames; leave table_only out")


def _plan(name: str, root: Path, settings: PrepareConfig) -> _Plan:
    classes: tuple[str, ...] = CLASSES
    if is_composite(name):
        composite = load_composite(root, settings.load)
        if settings.classes != "three":
            raise ConfigError("the composite has three classes; leave --classes out")
        parts = composite.parts
        labelled = list(composite.membership.members)
        left_out = [*composite.missing, *composite.membership.left_out]
    else:
        part = load_dataset(name, root, settings.load)
        parts = (part,)
        if settings.classes != "three":
            classes = class_names(part.dataset.name, settings.classes)
        labelled, left_out = _labelled(part, classes, settings)
    left_out += [skip for part in parts for skip in part.annotations.skipped]
    wanted = []
    by_name = {part.dataset.name: part for part in parts}
    for record, label in labelled:
        folder = by_name[record.dataset].folder_of(record)
        if folder is None:
            reason = f"its folder of frames is not on disk ({record.where})"
            left_out.append(Skip(what=record.id, reason=reason, kind="no frames"))
        else:
            wanted.append((record, label, folder.path))
    dataset = COMPOSITE if is_composite(name) else parts[0].dataset.name
    common = {"dataset": dataset, "classes": settings.classes, "macro": settings.macro}
    return _Plan(
        made_from=common | config.to_mapping(settings.clip),
        wanted=tuple(wanted),
        classes=classes,
        parts=tuple(parts),
        skipped=tuple(left_out),
    )


def _labelled(
    part: Loaded, classes: Sequence[str], settings: PrepareConfig
) -> tuple[list[tuple[Record, int]], list[Skip]]:
    if not classes:
        raise ConfigError(f"{part.dataset.title} has no scheme of {settings.classes} classes")
    labelled, left_out = [], []
    for record in part.annotations.records:
        named = class_of(record.dataset, record.emotion, settings.classes)
        if record.kind == "macro" and not settings.macro:
            left_out.append(Skip(what=record.id, reason="a macro-expression", kind="macro"))
        elif named is None:
            reason = (
                record.no_emotion or f"emotion {record.emotion or 'missing'!r} has no class here"
            )
            left_out.append(Skip(what=record.id, reason=reason, kind="no class"))
        else:
            labelled.append((record, classes.index(named)))
    return labelled, left_out


def _unused(points: Mapping[str, Points], plan: _Plan, path: Path | None) -> list[Oddity]:
    if path is None:
        return []
    known = {record.id for part in plan.parts for record in part.annotations.records}
    known |= {skip.what for skip in plan.skipped}
    others = set(DATASETS) - {part.dataset.name for part in plan.parts}
    return points_without_clip(points, path, clips=known, other_sets=others)


def _job(
    one: tuple[Record, int, Path],
    output: Path,
    settings: PrepareConfig,
    points: dict[str, Points],
) -> Job:
    record, label, folder = one
    return Job(
        record=record,
        label=label,
        folder=folder,
        output=output,
        settings=settings.clip,
        points=points.get(record.id),
    )


def _run(
    jobs: Sequence[Job], *, workers: int, progress: Progress
) -> tuple[dict[str, Outcome], int]:
    outcomes = {job.record.id: Outcome() for job in jobs}
    due = [job for job in jobs if not is_current(job)]
    done = len(jobs) - len(due)
    progress(STAGE, done, len(jobs))
    for job, outcome in parallel.run_all(prepare_clip, due, workers=workers):
        outcomes[job.record.id] = outcome
        done += 1
        progress(STAGE, done, len(jobs))
    return outcomes, sum(not outcomes[job.record.id].reason for job in due)


def _results(jobs: Sequence[Job]) -> list[Prepared]:
    results = []
    for job in jobs:
        result = read_result(job)
        if result is None:
            raise DataError(f"{job.file('flow', '.npz')}: vanished while preparing; run again")
        results.append(result)
    return results


def _write(
    output: Path,
    jobs: Sequence[Job],
    results: Sequence[Prepared],
    plan: _Plan,
    settings: PrepareConfig,
    left: _Left,
) -> Path:
    mapset = build_mapset(
        ids=[job.record.id for job in jobs],
        labels=np.array([job.label for job in jobs], dtype=np.int64),
        maps=np.stack([result.flow_map.values for result in results]).astype(np.float32),
        classes=plan.classes,
        crop=CANONICAL.name,
        channels_apart=False,
        source="prepared",
    )
    rows = [
        _row(job, plan.classes, result.info, result.flow_map.scale_px)
        for job, result in zip(jobs, results, strict=True)
    ]
    write_table(output / CLIPS, CLIP_COLUMNS, rows)
    summary = _summary(plan, rows, left)
    summary["provenance"] = provenance.stamp(
        config_hash=config.digest(settings.clip), data_hash=mapset.sha256
    )
    atomic.write_text(output / SUMMARY, json.dumps(summary, indent=1, sort_keys=True) + "\n")
    scales = np.array([result.flow_map.scale_px for result in results], dtype=np.float32)
    # Last, so that whoever sees it sees everything.
    return write_prepared(output, mapset, scale_px=scales)


def _row(job: Job, classes: Sequence[str], info: Any, scale_px: float) -> dict[str, object]:
    record = job.record
    return {
        "id": record.id,
        "label": job.label,
        "class": classes[job.label],
        "emotion": record.emotion,
        "onset_frame": record.onset_frame,
        "apex_frame": info["apex_frame"] if record.apex_frame is None else record.apex_frame,
        "offset_frame": record.offset_frame,
        "scale_px": f"{scale_px:.4f}",
        **{key: info[key] for key in ("apex_rule", "onset_file", "apex_file", "face", "motion_px")},
    }


def _summary(
    plan: _Plan,
    rows: Sequence[dict[str, object]],
    left: _Left,
) -> dict[str, Any]:
    by_class: dict[str, Counter[str]] = {}
    clips = [ClipId.parse(str(row["id"])) for row in rows]
    for clip, row in zip(clips, rows, strict=True):
        by_class.setdefault(clip.dataset, Counter())[str(row["class"])] += 1
    return {
        "made_from": plan.made_from,
        "classes": list(plan.classes),
        "clips": len(rows),
        "subjects": len({clip.subject for clip in clips}),
        "by_class": {name: dict(sorted(counts.items())) for name, counts in by_class.items()},
        "apex_rules": dict(sorted(Counter(str(row["apex_rule"]) for row in rows).items())),
        "faces": dict(sorted(Counter(str(row["face"]) for row in rows).items())),
        "skipped": len(left.skipped),
        "oddities": dict(sorted(Counter(o.code for o in left.oddities).items())),
        "tables": {
            path.name: digest for part in plan.parts for path, digest in part.annotations.files
        },
    }
