"""What hmrm datasets prints of checks: data sets, the composite, folders of flow maps."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hmrm.cli.terminal import OUT

if TYPE_CHECKING:
    from hmrm.datasets.annotations.issue_texts import IssueGroup
    from hmrm.datasets.check_dataset import CompositeCheck, DataSetCheck, PartCheck
    from hmrm.datasets.maps.check import MapsCheck


def print_check(found: "DataSetCheck") -> None:
    """Each data set, what is missing, and the composite."""
    for part in found.parts:
        _print_part(part)
    for missing in found.missing:
        OUT.print(f"missing: {missing.what}: {missing.reason}", markup=False)
    if found.composite is not None:
        _print_composite(found.composite)


def _print_part(part: "PartCheck") -> None:
    OUT.print(f"[bold]{part.title}[/]: {part.clips} clips of {part.subjects} subjects")
    for name, digest in part.tables.items():
        OUT.print(f"  table {name}, sha256 {digest[:16]}…", markup=False)
    if part.on_disk is not None:
        OUT.print(f"  on disk: {part.on_disk} of {part.clips}; {part.folders} folders")
        OUT.print("  frames were counted, not opened; damaged ones show in prepare")
    counts = (("emotions", part.by_emotion), ("classes", part.by_class), ("kinds", part.by_kind))
    for title, by_name in counts:
        words = ", ".join(f"{name} {count}" for name, count in by_name.items())
        OUT.print(f"  {title}: {words}", markup=False)
    wrong = [one for one in part.published if one.published != one.found]
    if part.published and not wrong:
        OUT.print("  all counts are the published ones")
    for one in wrong:
        OUT.print(f"  [yellow]{one.what}[/]: {one.found}, published are {one.published}")
    print_issues(part.issues)
    if part.skipped:
        OUT.print(
            f"  {len(part.skipped)} excluded; complete the folders, and correct the table or give "
            "the right values with --corrections:"
        )
    for skip in part.skipped:
        OUT.print(f"    {skip.what}: {skip.reason}", markup=False)


def print_issues(issues: "Iterable[IssueGroup]") -> None:
    """Each kind once: how many, in words, and where the first one is."""
    from hmrm.datasets.annotations.issue_texts import words_of

    for issue in issues:
        where = f"{issue.where}: {issue.message}".replace("[", r"\[")
        OUT.print(f"  {issue.count} × [yellow]{words_of(issue.code)}[/]; first {where}")


def _print_composite(found: "CompositeCheck") -> None:
    counts = ", ".join(f"{name} {count}" for name, count in found.by_class.items())
    OUT.print(
        f"[bold]MEGC 2019 composite[/]: {found.clips} clips of {found.subjects} subjects ({counts})"
    )
    for line in found.differences:
        OUT.print(f"  [yellow]differs[/]: {line}")
    if not found.differences:
        OUT.print("  this is the whole composite")
    for left in found.excluded:
        OUT.print(f"  excluded × {left.count}: {left.reason}, first {left.first}", markup=False)


def print_maps(found: "MapsCheck") -> None:
    """Counts as a table, where the face lies, and issues of data quality."""
    from rich.table import Table

    from hmrm.datasets.annotations.issue_texts import words_of

    table = Table(title=f"{found.path}: layout {found.layout}, crop {found.crop}")
    table.add_column("data set")
    for column in ("subjects", "clips", *found.classes):
        table.add_column(column, justify="right")
    for name, part in found.datasets.items():
        counts = (part.by_class[c] for c in found.classes)
        table.add_row(name, str(part.subjects), str(part.clips), *map(str, counts))
    sums = (sum(part.by_class[c] for part in found.datasets.values()) for c in found.classes)
    table.add_section()
    table.add_row("all", str(found.subjects), str(found.clips), *map(str, sums))
    OUT.print(table)
    sizes = sorted(sum(counts.values()) for counts in found.by_subject.values())
    OUT.print(f"clips per subject: {sizes[0]} to {sizes[-1]}, median {sizes[len(sizes) // 2]}")
    OUT.print(f"face: {found.face.note}")
    if not found.composite_differences:
        OUT.print("this is the whole MEGC 2019 composite: 442 clips, 68 subjects")
    for line in found.composite_differences:
        OUT.print(f"not the MEGC 2019 composite: {line}")
    for issue in found.issues:
        where = issue.where.replace("[", r"\[")
        OUT.print(f"[yellow]{words_of(issue.code)}[/]: {where}: {issue.message}")
    if not found.identical_maps:
        OUT.print("no two maps are identical")
