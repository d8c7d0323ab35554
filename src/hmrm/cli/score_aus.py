"""hmrm score-aus: action units found, against an annotation table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import OUT, print_table, print_warning

if TYPE_CHECKING:
    from hmrm.evaluation.action_units.found import FoundUnits
    from hmrm.evaluation.action_units.score import UnitScores


def score_aus(
    truth: Annotated[Path, typer.Option(help="Annotation table.", show_default=False)],
    found: Annotated[
        Path,
        typer.Option(
            help="CSV, a folder with action_units.csv, or one of a CSV per clip (OpenFace).",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(help="Whose table the truth is; none: CSV of id and action_units."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Probability from which a unit is found.")
    ] = 0.5,
    units: Annotated[
        str, typer.Option(help="Units to score, such as 1,2,4 or AU1,AU2; default: all annotated.")
    ] = "",
    prepared: Annotated[
        Path | None,
        typer.Option(
            help="Folder of hmrm datasets prepare: annotated clips that it excluded do not count, "
            "unless for want of a face or of flow.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute the F1 of every stated action unit, clips pooled and matched by id.

    Example: hmrm score-aus --dataset casme2 --truth table.xlsx --found runs/weights

    Units in doubt count neither way in their clip; sides and intensities do not matter. Weights
    with an action-unit head write what they find: hmrm evaluate --weights hmrm-synthetic -o RUN,
    then --found RUN. Tables of OpenFace and py-feat are read as they come (columns AU12, p_AU12,
    AU12_c or AU12_r): frames are pooled, a unit is found in a clip where any frame has it, and
    clips without a face do not count, with a warning.
    """
    from hmrm import records
    from hmrm.errors import ConfigError
    from hmrm.evaluation.action_units.found import read_found
    from hmrm.evaluation.action_units.score import read_excluded, read_truth, score_units

    numbers = [part.strip().upper().removeprefix("AU") for part in units.split(",")]
    if units and not all(number.isdecimal() for number in numbers):
        raise ConfigError(f"--units {units!r}: give numbers with commas between them, as 1,2,4")
    annotated = read_truth(truth, dataset=dataset)
    seen = read_found(found, threshold=threshold).named_as(annotated)
    scores = score_units(
        annotated,
        seen.units,
        units=[int(number) for number in numbers if number],
        excluded=() if prepared is None else read_excluded(prepared),
        failed=seen.failed,
        unmeasured=seen.unmeasured,
    )
    if as_json:
        OUT.print(records.dumps(scores), end="")
    else:
        _print(scores)
    _warn(scores, seen, with_prepared=prepared is not None)


def _print(scores: "UnitScores") -> None:
    rows = []
    for score in scores.units:
        counts = (score.hits, score.false_alarms, score.misses, score.doubtful)
        rows.append((f"AU{score.number}", f"{score.f1:.3f}", *map(str, counts)))
    print_table(("unit", "F1", "hits", "false alarms", "misses", "in doubt"), rows, left=0)
    OUT.print(
        f"macro F1 {scores.macro_f1:.3f}, micro F1 {scores.micro_f1:.3f} over "
        f"{len(scores.units)} units and {scores.clips} clips"
    )


def _warn(scores: "UnitScores", seen: "FoundUnits", *, with_prepared: bool) -> None:
    for note in seen.notes:
        print_warning(note)
    absent = [
        one.number for one in scores.units if one.number not in (seen.columns or {one.number})
    ]
    if absent:
        print_warning(
            f"the found table has no column for {', '.join(f'AU{n}' for n in absent)}; what is "
            "annotated of them counts as missed (--units scores the others alone)"
        )
    hint = (
        "" if with_prepared else ". Clips that prepare excluded do not count with --prepared FOLDER"
    )
    without = scores.macro_f1_failed_missed
    missed = "" if without is None else f"{without:.3f}"
    for count, words in (
        (
            scores.failed,
            "annotated clips have no face in the found table: not predicted, they do not count; "
            f"with their units counted as missed macro F1 is {missed}",
        ),
        (scores.without_result, f"annotated clips have no result; nothing was found in them{hint}"),
        (scores.excluded, "annotated clips were excluded by prepare and do not count"),
        (scores.unknown, "clips with a result are not annotated and do not count"),
        (scores.unreadable, "annotated clips have a code that cannot be read; they do not count"),
    ):
        if count:
            print_warning(f"{count} {words}")
