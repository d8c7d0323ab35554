"""Which clips of a data set are prepared: with class and folder, or skipped with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hmrm.clip import CLASSES
from hmrm.datasets.annotations.labels import Scheme, class_names, class_of
from hmrm.datasets.annotations.records import Record, Skip
from hmrm.datasets.load import (
    Loaded,
    LoadOptions,
    is_composite,
    load_composite,
    load_dataset,
)
from hmrm.datasets.preparation.output_folder import MadeFrom
from hmrm.datasets.preparation.prepare_clip import ClipSettings
from hmrm.datasets.sources.catalogue import COMPOSITE
from hmrm.errors import ConfigError


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
class Plan:
    """The clips to prepare with folder and label, and all that is already known to be skipped."""

    made_from: MadeFrom
    clips: tuple[tuple[Record, int, Path], ...]
    classes: tuple[str, ...]
    parts: tuple[Loaded, ...]
    skipped: tuple[Skip, ...]


def make_plan(name: str, root: Path, settings: PrepareConfig) -> Plan:
    """Load the data set, or the composite's parts, and give every clip its class and folder.

    Args:
        name: see `hmrm.datasets.sources.catalogue.names`.

    Raises:
        ConfigError: no such data set, or no such scheme of classes for it.
        DataError: it cannot be read.
    """
    classes: tuple[str, ...] = CLASSES
    if is_composite(name):
        composite = load_composite(root, settings.load)
        if settings.classes != "three":
            raise ConfigError("the composite has three classes; leave --classes out")
        parts = composite.parts
        labelled = list(composite.membership.members)
        excluded = [*composite.missing, *composite.membership.excluded]
    else:
        part = load_dataset(name, root, settings.load)
        parts = (part,)
        if settings.classes != "three":
            classes = class_names(part.dataset.name, settings.classes)
        labelled, excluded = _labelled(part, classes, settings)
    excluded += [skip for part in parts for skip in part.annotations.skipped]
    clips = []
    by_name = {part.dataset.name: part for part in parts}
    for record, label in labelled:
        folder = by_name[record.dataset].folder_of(record)
        if folder is None:
            reason = f"its folder of frames is not on disk ({record.where})"
            excluded.append(Skip(what=record.id, reason=reason, kind="no frames"))
        else:
            clips.append((record, label, folder.path))
    dataset = COMPOSITE if is_composite(name) else parts[0].dataset.name
    made_from = MadeFrom(
        dataset=dataset,
        classes=settings.classes,
        macro=settings.macro,
        flow=settings.clip.flow,
        apex=settings.clip.apex,
        head_motion=settings.clip.head_motion,
        landmarks=settings.clip.landmarks,
        frames=settings.clip.frames,
        size=settings.clip.size,
    )
    return Plan(
        made_from=made_from,
        clips=tuple(clips),
        classes=classes,
        parts=tuple(parts),
        skipped=tuple(excluded),
    )


def _labelled(
    part: Loaded, classes: Sequence[str], settings: PrepareConfig
) -> tuple[list[tuple[Record, int]], list[Skip]]:
    if not classes:
        raise ConfigError(f"{part.dataset.title} has no scheme of {settings.classes} classes")
    labelled, excluded = [], []
    for record in part.annotations.records:
        named = class_of(record.dataset, record.emotion, settings.classes)
        if record.kind == "macro" and not settings.macro:
            excluded.append(Skip(what=record.id, reason="a macro-expression", kind="macro"))
        elif named is None:
            reason = (
                record.no_emotion or f"emotion {record.emotion or 'missing'!r} has no class here"
            )
            excluded.append(Skip(what=record.id, reason=reason, kind="no class"))
        else:
            labelled.append((record, classes.index(named)))
    return labelled, excluded
