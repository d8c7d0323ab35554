"""Micro or macro where a file does not state it: what may be taken for granted, and what not."""

from dataclasses import replace

from hmrm.errors import DataError
from hmrm.intervals import IntervalTable, Kind


def with_types(truth: IntervalTable, found: IntervalTable) -> tuple[IntervalTable, IntervalTable]:
    """Both tables with a type for every interval.

    Where one states no type at all and the other one type alone, that type is taken for both, with
    a warning.

    Raises:
        DataError: types are missing and do not follow from the other table.
    """
    if all(one.kind for one in (*truth.intervals, *found.intervals)):
        return truth, found
    for bare, typed in ((truth, found), (found, truth)):
        kinds = {one.kind for one in typed.intervals}
        if len(kinds) == 1 and kinds != {""} and not any(one.kind for one in bare.intervals):
            taken = _all_of(bare, next(iter(kinds)), typed)
            return (taken, typed) if bare is truth else (typed, taken)
    missing = [
        f"{table.source}: {count} of {len(table.intervals)} intervals have no type"
        for table in (truth, found)
        if (count := sum(not one.kind for one in table.intervals))
    ]
    raise DataError(
        f"{'; '.join(missing)}, and a score without types would mix micro- and macro-expressions. "
        "Add a column type (micro, macro), or give --type micro where the file has one type, "
        "--frames-per-s (micro up to 0.5 s), or --micro-frames"
    )


def _all_of(bare: IntervalTable, kind: Kind, typed: IntervalTable) -> IntervalTable:
    warning = (
        f"{bare.source}: has no types; all are taken as {kind}, the only type in {typed.source}"
    )
    return replace(
        bare,
        intervals=tuple(replace(one, kind=kind) for one in bare.intervals),
        warnings=(*bare.warnings, warning),
    )
