"""Ways in which a test clip may have been seen before, each looked for."""

from dataclasses import dataclass

from hmrm.errors import DataError
from hmrm.evaluation.protocol import Protocol
from hmrm.flow.mapset import MapSet, identical_maps
from hmrm.subject_folds import Fold


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One finding: the fold it happens in and what is on both sides."""

    code: str
    fold: str
    message: str


def find_leaks(mapset: MapSet, protocol: Protocol) -> tuple[Leak, ...]:
    """Shared subjects and identical maps between training and test side of each fold."""
    twins = identical_maps(mapset)
    return tuple(
        leak
        for fold in protocol.folds
        for leak in (*_shared_subjects(mapset, fold), *_shared_maps(mapset, fold, twins))
    )


def _shared_subjects(mapset: MapSet, fold: Fold) -> list[Leak]:
    subjects = mapset.subjects
    shared = {subjects[i] for i in fold.train} & {subjects[i] for i in fold.test}
    return [
        Leak(code="shared_subject", fold=fold.name, message=f"{name} is trained on and tested")
        for name in sorted(shared)
    ]


def _shared_maps(mapset: MapSet, fold: Fold, twins: tuple[tuple[str, ...], ...]) -> list[Leak]:
    train = {mapset.ids[i] for i in fold.train}
    test = {mapset.ids[i] for i in fold.test}
    found = []
    for group in twins:
        sides = [sorted(set(group) & side) for side in (train, test)]
        if all(sides):
            found.append(
                Leak(
                    code="identical_map",
                    fold=fold.name,
                    message=f"test clip {sides[1][0]} is training clip {sides[0][0]} to the bit",
                )
            )
    return found


def require_separate_subjects(mapset: MapSet, protocol: Protocol) -> None:
    """Refuse a split with a subject on both sides.

    Raises:
        DataError: such a fold; the message names it.
    """
    for fold in protocol.folds:
        for leak in _shared_subjects(mapset, fold):
            raise DataError(f"fold {fold.name}: {leak.message}; split by subject")
