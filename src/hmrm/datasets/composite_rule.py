"""Which clips of CASME II, SAMM and SMIC-HS belong to the MEGC 2019 composite: 442 by rule.

Three classes as ``labels.csv`` maps them; CASME II's others, fear and sadness and SAMM's other
are excluded. That gives 444; two CASME II clips are excluded by name. See, Yap, Li, Hong, Wang:
"MEGC 2019: The Second Facial Micro-Expressions Grand Challenge", FG 2019.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hmrm.clip import CLASSES
from hmrm.datasets.annotations.labels import class_of
from hmrm.datasets.annotations.records import Record, Skip

PARTS = ("casme2", "samm", "smic")
"""Data sets of the composite, as clip ids name them."""

EXCLUDED: Mapping[str, str] = {
    "casme2/sub04/ep12_01f": "its apex is '/' in the workbook; not in the published list",
    "casme2/sub05/ep09_05f": "its apex is its onset in the workbook; not in the published list",
    "casme2/sub24/ep02_07": "only the 2019 workbook gives it a class; not in the published list",
}
"""Clips excluded by name, and why. The first two are in the 2014 workbook."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """The clips of the composite with their labels, and those excluded with the reason."""

    members: tuple[tuple[Record, int], ...]
    excluded: tuple[Skip, ...]


def composite_members(records: Iterable[Record], *, exclusions: bool = True) -> Membership:
    """Apply the rule to the records of the three data sets.

    Args:
        exclusions: exclude the clips named in ``EXCLUDED``.
    """
    members, excluded = [], []
    for record in records:
        skip = _excluded(record, exclusions=exclusions)
        if skip is not None:
            excluded.append(skip)
            continue
        name = class_of(record.dataset, record.emotion)
        assert name is not None
        members.append((record, CLASSES.index(name)))
    return Membership(members=tuple(members), excluded=tuple(excluded))


def _excluded(record: Record, *, exclusions: bool) -> Skip | None:
    if record.dataset not in PARTS:
        reason = f"{record.dataset} is no part of the composite"
        return Skip(what=record.id, reason=reason, kind="no part")
    if class_of(record.dataset, record.emotion) is None:
        reason = f"emotion {record.emotion or 'missing'!r} has no class in the composite"
        return Skip(what=record.id, reason=reason, kind="no class")
    if exclusions and record.id.lower() in EXCLUDED:
        reason = f"excluded by name: {EXCLUDED[record.id.lower()]}"
        return Skip(what=record.id, reason=reason, kind="by name")
    return None
