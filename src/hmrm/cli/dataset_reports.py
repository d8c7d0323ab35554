"""What hmrm datasets prints: of checks, of what was prepared, of folders of flow maps."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hmrm.cli.terminal import OUT, print_table
from hmrm.clip import ClipId

if TYPE_CHECKING:
    from hmrm.datasets.annotations.issue_texts import IssueGroup
    from hmrm.datasets.check_dataset import CompositeCheck, DataSetCheck, PartCheck
    from hmrm.datasets.maps.check import MapsCheck
    from hmrm.datasets.preparation.run import PrepareReport


def print_check(found: "DataSetCheck") -> None:
    """Each data set, what is missing, and the composite."""
    for part in found.parts:
        _print_part(part)
    for missing in found.missing:
        OUT.print(f"missing: {missing.what}: {missing.reason}")
    if found.composite is not None:
        _print_composite(found.composite)


def _print_part(part: "PartCheck") -> None:
    OUT.emphasise(part.title, f": {part.clips} clips of {part.subjects} subjects")
    for name, digest in part.tables.items():
        OUT.print(f"  table {name}, sha256 {digest[:16]}…")
    if part.on_disk is not None:
        OUT.print(f"  on disk: {part.on_disk} of {part.clips}; {part.folders} folders")
        OUT.print("  frames were counted, not opened; damaged ones show in prepare")
    counts = (("emotions", part.by_emotion), ("classes", part.by_class), ("kinds", part.by_kind))
    for title, by_name in counts:
        words = ", ".join(f"{name} {count}" for name, count in by_name.items())
        OUT.print(f"  {title}: {words}")
    _print_published(part)
    print_issues(part.issues)
    if part.skipped:
        OUT.print(
            f"  {len(part.skipped)} excluded; complete the folders, and correct the table or give "
            "the right values with --corrections:"
        )
    for skip in part.skipped:
        OUT.print(f"    {skip.what}: {skip.reason}")


def _print_published(part: "PartCheck") -> None:
    """Which number was compared with which published one, and what was compared with none."""
    met = [one for one in part.published if one.published == one.found]
    known = {one.what for one in part.published}
    kinds = part.by_kind if len(part.by_kind) > 1 else {}
    counted = ["clips", "subjects", *kinds, *(e for e in part.by_emotion if e != "none")]
    missing = [name for name in counted if name not in known]
    if met:
        every = len(met) == len(part.published) and not missing
        words = ", ".join(f"{one.what} {one.found}" for one in met)
        OUT.print(f"  {'all counts are the published ones' if every else 'as published'}: {words}")
    for one in part.published:
        if one not in met:
            rest = f": {one.found}, published are {one.published}"
            OUT.emphasise(one.what, rest, style="yellow", before="  ")
    if missing:
        OUT.print(f"  compared with no published count: {', '.join(missing)}")


def print_issues(issues: "Iterable[IssueGroup]") -> None:
    """Each kind once: how many, in words, and where the first one is."""
    from hmrm.datasets.annotations.issue_texts import words_of

    for issue in issues:
        rest = f"; first {issue.where}: {issue.message}"
        OUT.emphasise(words_of(issue.code), rest, style="yellow", before=f"  {issue.count} × ")
        for other in issue.others:
            OUT.print(f"    {other}")


def _print_composite(found: "CompositeCheck") -> None:
    counts = ", ".join(f"{name} {count}" for name, count in found.by_class.items())
    rest = f": {found.clips} clips of {found.subjects} subjects ({counts})"
    OUT.emphasise("MEGC 2019 composite", rest)
    for line in found.differences:
        OUT.emphasise("differs", f": {line}", style="yellow", before="  ")
    if not found.differences:
        OUT.print("  this is the whole composite")
    for left in found.excluded:
        OUT.print(f"  excluded × {left.count}: {left.reason}, first {left.first}")


def print_maps(found: "MapsCheck") -> None:
    """Counts as a table, where the face lies, and issues of data quality."""
    from hmrm.datasets.annotations.issue_texts import words_of
    from hmrm.datasets.synthetic_mark import TITLE, marked

    if marked(found.issues):
        OUT.emphasise(TITLE, ": no face here is a person's", style="yellow")
    OUT.print(f"{found.path}: layout {found.layout}, crop {found.crop}")
    rows = []
    for name, part in found.datasets.items():
        counts = (part.by_class[c] for c in found.classes)
        rows.append((name, str(part.subjects), str(part.clips), *map(str, counts)))
    sums = (sum(part.by_class[c] for part in found.datasets.values()) for c in found.classes)
    rows.append(("all", str(found.subjects), str(found.clips), *map(str, sums)))
    print_table(("data set", "subjects", "clips", *found.classes), rows)
    sizes = sorted(sum(counts.values()) for counts in found.by_subject.values())
    OUT.print(f"clips per subject: {sizes[0]} to {sizes[-1]}, median {sizes[len(sizes) // 2]}")
    OUT.print(f"face: {found.face.note}")
    if not found.composite_differences:
        OUT.print("this is the whole MEGC 2019 composite: 442 clips, 68 subjects")
    for line in found.composite_differences:
        OUT.print(f"not the MEGC 2019 composite: {line}")
    for issue in found.issues:
        rest = f": {issue.where}: {issue.message}"
        OUT.emphasise(words_of(issue.code), rest, style="yellow")
    if not found.identical_maps:
        OUT.print("no two maps are identical")


def print_prepared(done: "PrepareReport", output: Path) -> None:
    """Clips made and excluded, where their faces are from, and issues."""
    subjects = {ClipId.parse(clip).subject for clip in done.clips}
    left = f"{len(done.skipped)} excluded"
    if done.skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in done.reasons.items())
        left += f" ({reasons}), see {output / 'skipped.csv'}"
    OUT.print(
        f"{len(done.clips)} clips of {len(subjects)} subjects in {done.maps} "
        f"({done.made} made now), {left}",
    )
    if done.removed:
        OUT.print(f"{done.removed} clips of an earlier run are in the maps no more; files removed")
    sources = Counter(done.faces.values()).most_common()
    OUT.print("faces: " + ", ".join(f"{count} {source}" for source, count in sources))
    for change, count in done.other_faces.items():
        what = f"{count} made again, as their faces are from elsewhere"
        OUT.emphasise(what, f": {change}", style="yellow", before="  ")
    print_issues(done.grouped_issues)
