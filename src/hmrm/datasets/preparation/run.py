"""From a data set on disk to flow maps that `hmrm evaluate` reads; interruptible at any moment.

The output folder holds ``faces/`` (aligned onset and apex of each clip), ``flow/`` (its map),
``frames/`` (with ``ClipSettings.frames``: every frame, see `hmrm.flow.aligned_frames`),
``maps.npz`` (all maps, see `hmrm.datasets.maps.prepared`), ``clips.csv`` (what was made of each
clip), ``skipped.csv`` (what was excluded, and why) and ``prepare.json`` (settings, counts,
origin).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from hmrm import atomic, config, provenance
from hmrm.clip import ClipId, Issue
from hmrm.datasets.annotations.issue_texts import IssueGroup, group_issues
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.maps.prepared import write_prepared
from hmrm.datasets.preparation.make_clips import make_clips, take_clips
from hmrm.datasets.preparation.output_folder import (
    CLIP_COLUMNS,
    CLIPS,
    SUMMARY,
    Cell,
    MadeFrom,
    claimed,
    faces_of,
    remove_others,
    write_table,
)
from hmrm.datasets.preparation.plan import Plan, PrepareConfig, make_plan
from hmrm.datasets.preparation.prepare_clip import (
    Job,
    Outcome,
    Prepared,
    is_damaged,
    read_result,
)
from hmrm.datasets.preparation.supplied_points import Points, points_without_clip, read_points
from hmrm.datasets.sources.catalogue import DATASETS
from hmrm.engine.contract import Engine
from hmrm.engine.local import LocalEngine
from hmrm.errors import ConfigError, DataError
from hmrm.faces.crops import CANONICAL
from hmrm.faces.landmarks import landmarker
from hmrm.flow.apex import rule_named
from hmrm.flow.estimate import build_estimator
from hmrm.flow.mapset import build_mapset
from hmrm.progress import Progress, silent
from hmrm.records import formerly
from hmrm.shard import Shard


@dataclass(frozen=True, kw_only=True)
class PrepareReport:
    """What came out.

    Attributes:
        clips: ids that are in the maps.
        skipped: clips and rows excluded, with reasons.
        issues: of tables, folders and files.
        made: how many were made now; the others were there already.
        removed: clips of earlier runs that are in the maps no more; their files were deleted.
        faces: where each clip's face is from: given, or how it was detected.
        earlier_faces: the same of the run before.
        maps: the file with all maps.
    """

    clips: tuple[str, ...]
    skipped: tuple[Skip, ...]
    issues: tuple[Issue, ...]
    made: int
    removed: int
    faces: Mapping[str, str]
    earlier_faces: Mapping[str, str]
    maps: Path

    @property
    def grouped_issues(self) -> tuple[IssueGroup, ...]:
        """Each kind once, with its count."""
        return group_issues(self.issues)

    @property
    def reasons(self) -> dict[str, int]:
        """How many were excluded for each kind of reason, most frequent first."""
        return dict(Counter(skip.kind for skip in self.skipped).most_common())

    @property
    def other_faces(self) -> dict[str, int]:
        """How many clips have their face from elsewhere than in the run before."""
        before = self.earlier_faces
        changed = ((before.get(clip, now), now) for clip, now in self.faces.items())
        return dict(Counter(f"{was} → {now}" for was, now in changed if was != now).most_common())


@dataclass(frozen=True, kw_only=True)
class PrepareSummary:
    """What ``prepare.json`` holds, provenance aside.

    Attributes:
        made_from: settings that all clips share.
        classes: names in label order.
        by_class: clips of each class, by data set.
        apex_rules, faces, issues: how many of each.
        skipped: how many were skipped.
        tables: sha256 of each annotation table read, by file name.
    """

    made_from: MadeFrom
    classes: tuple[str, ...]
    clips: int
    subjects: int
    by_class: Mapping[str, Mapping[str, int]]
    apex_rules: Mapping[str, int]
    faces: Mapping[str, int]
    skipped: int
    issues: Mapping[str, int] = field(metadata=formerly("oddities"))
    tables: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Excluded:
    """What a reader must know in addition to the maps."""

    skipped: Sequence[Skip]
    issues: Sequence[Issue]


def prepare(
    name: str,
    root: Path,
    output: Path,
    settings: PrepareConfig | None = None,
    *,
    workers: int = 1,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> PrepareReport:
    """Prepare a data set; clips made earlier are kept while record and images are the same.

    Args:
        name: see `hmrm.datasets.sources.catalogue.names`.
        root: folder of the data set.
        output: folder to write; made where it does not exist.
        workers: processes, one thread each.
        engine: computes instead of ``workers`` processes of this machine.

    Raises:
        ConfigError: no such data set, estimator, rule or scheme, or the folder or a part of the
            run holds results of another data set or of other settings.
        DataError: the data set cannot be read, not one clip can be prepared, or faces are given
            and none of them is of a clip here.
        OutputError: a file cannot be written.
        MissingExtraError: 68 landmarks are asked for and dlib is not installed.
    """
    settings = settings or PrepareConfig()
    _check(settings)
    plan = make_plan(name, root, settings)
    points = read_points(settings.faces) if settings.faces else {}
    unused = _unused(points, plan, settings.faces)
    with claimed(output, plan.made_from) as ours:
        earlier = faces_of(output) if ours else {}
        jobs = [_job(one, output, settings, points) for one in plan.clips]
        damaged = [_damage(job) for job in jobs if is_damaged(job)]
        take_clips(jobs, output, plan.made_from)
        outcomes, made = make_clips(jobs, engine or LocalEngine(workers), progress=progress)
        good, skipped = _without_excluded(
            jobs, outcomes, plan, what=f"{root}: not one clip of {name}"
        )
    rows = [(skip.what, skip.reason, skip.kind) for skip in skipped]
    write_table(output / "skipped.csv", ("what", "reason", "kind"), rows)
    good.sort(key=lambda job: job.record.id)
    results = _results(good)
    issues = [o for part in plan.parts for o in part.annotations.issues]
    issues += unused
    issues += [note for result in results for note in result.info.notes]
    maps = _write(output, good, results, plan, settings, _Excluded(skipped=skipped, issues=issues))
    clips = [job.record.id for job in good]
    return PrepareReport(
        clips=tuple(clips),
        skipped=skipped,
        issues=(*issues, *damaged),
        made=made,
        removed=remove_others(output, clips) if ours else 0,
        faces={r.info.id: r.info.face for r in results},
        earlier_faces=earlier,
        maps=maps,
    )


def prepare_shard(
    name: str,
    root: Path,
    output: Path,
    shard: Shard,
    settings: PrepareConfig | None = None,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> int:
    """Make one part of the clips, for `prepare` to join; how many of them have a map.

    Args:
        output: the whole run's; the part lies next to it, see `hmrm.shard`.

    Raises:
        As `prepare`; a part without one usable clip does not raise.
    """
    settings = settings or PrepareConfig()
    _check(settings)
    plan = make_plan(name, root, settings)
    points = read_points(settings.faces) if settings.faces else {}
    place = shard.folder(output)
    with claimed(place, plan.made_from):
        jobs = [_job(one, place, settings, points) for one in shard.part(plan.clips)]
        outcomes, _ = make_clips(jobs, LocalEngine(workers), progress=progress)
    return sum(not one.reason for one in outcomes.values())


def _without_excluded(
    jobs: Sequence[Job], outcomes: Mapping[str, Outcome], plan: Plan, *, what: str
) -> tuple[list[Job], tuple[Skip, ...]]:
    """The clips that are left, and all that was excluded."""
    failed = [
        Skip(what=clip, reason=one.reason, kind=one.kind)
        for clip, one in outcomes.items()
        if one.reason
    ]
    good, skipped = [j for j in jobs if not outcomes[j.record.id].reason], (*plan.skipped, *failed)
    if not good:
        first = skipped[0].reason if skipped else "no clip is in it"
        kinds = ", ".join(f"{n} × {kind}" for kind, n in Counter(s.kind for s in skipped).items())
        all_of_them = f" ({kinds})" if kinds else ""
        raise DataError(f"{what} could be prepared{all_of_them}; first reason: {first}")
    return good, skipped


def _damage(job: Job) -> Issue:
    """Of this start alone: what is written must not tell how often it was started."""
    return Issue(
        code="result_damaged",
        where=str(job.file("flow", ".npz")),
        message=f"{job.record.id}: its map cannot be read; the clip is prepared again",
    )


def _check(settings: PrepareConfig) -> None:
    build_estimator(settings.clip.flow)
    rule_named(settings.clip.apex)
    if settings.clip.landmarks:
        landmarker()
    if settings.load.table_only:
        raise ConfigError("prepare needs frames; leave table_only out")


def _unused(points: Mapping[str, Points], plan: Plan, path: Path | None) -> list[Issue]:
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
    plan: Plan,
    settings: PrepareConfig,
    left: _Excluded,
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
    rows = [_row(*one, plan.classes) for one in zip(jobs, results, strict=True)]
    write_table(output / CLIPS, CLIP_COLUMNS, rows)
    summary = asdict(_summary(plan, jobs, results, left))
    # As the folder was claimed with it: what is None was no choice yet when others were made.
    summary["made_from"] = config.to_mapping(plan.made_from)
    summary["provenance"] = provenance.stamp(
        config_hash=config.digest(settings.clip), data_hash=mapset.sha256
    )
    atomic.write_text(output / SUMMARY, json.dumps(summary, indent=1, sort_keys=True) + "\n")
    scales = np.array([result.flow_map.scale_px for result in results], dtype=np.float32)
    # Last, so that where it is, everything is.
    return write_prepared(output, mapset, scale_px=scales)


def _row(job: Job, result: Prepared, classes: Sequence[str]) -> tuple[Cell, ...]:
    """The clip's cells under ``CLIP_COLUMNS``."""
    record, info = job.record, result.info
    return (
        *(record.id, job.label, classes[job.label], record.emotion, record.onset_frame),
        info.apex_frame if record.apex_frame is None else record.apex_frame,
        *(record.offset_frame, info.apex_rule, info.onset_file, info.apex_file, info.face),
        *(info.motion_px, f"{result.flow_map.scale_px:.4f}"),
    )


def _summary(
    plan: Plan, jobs: Sequence[Job], results: Sequence[Prepared], left: _Excluded
) -> PrepareSummary:
    by_class: dict[str, Counter[str]] = {}
    for job in jobs:
        by_class.setdefault(job.record.dataset, Counter())[plan.classes[job.label]] += 1
    return PrepareSummary(
        made_from=plan.made_from,
        classes=plan.classes,
        clips=len(jobs),
        subjects=len({ClipId.parse(job.record.id).subject for job in jobs}),
        by_class={name: dict(sorted(counts.items())) for name, counts in by_class.items()},
        apex_rules=dict(sorted(Counter(one.info.apex_rule for one in results).items())),
        faces=dict(sorted(Counter(one.info.face for one in results).items())),
        skipped=len(left.skipped),
        issues=dict(sorted(Counter(o.code for o in left.issues).items())),
        tables={
            path.name: digest for part in plan.parts for path, digest in part.annotations.files
        },
    )
