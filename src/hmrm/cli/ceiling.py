"""hmrm ceiling: what a second coder of action units would reach."""

import re
from pathlib import Path
from typing import Annotated

import typer

from hmrm.cli.terminal import OUT, print_table, print_warning
from hmrm.errors import ConfigError


def ceiling(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]TABLE...",
            help="Tables of action units: NAME=TABLE for a data set's own (casme2=coding.xlsx "
            "samm=SAMM.xlsx), TABLE alone for a CSV of id, class and action_units.",
            show_default=False,
        ),
    ],
    agreement: Annotated[
        str, typer.Option(help="Agreements of the second coder, 0 to 1, commas between.")
    ] = "0.85,0.80",
    coders: Annotated[int, typer.Option(min=1, help="Second coders for each agreement.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulation.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Classify by human action-unit codes, and by those of a simulated second coder.

    Example: hmrm ceiling codes.csv

    Leaves one subject out; learns from the published codes. Agreement 1 is what these codes
    themselves bear, the others what a coder would reach who agrees with them so far. A score of a
    method on video above that needs an explanation.
    """
    from hmrm import records
    from hmrm.evaluation.action_units.ceiling import CodedLabel, read_labels, second_coder_ceiling

    clips: dict[str, CodedLabel] = {}
    for given in tables:
        name, mark, path = given.rpartition("=")
        if mark and not re.fullmatch(r"\w[\w-]*", name):
            name, path = "", given
        clips |= read_labels(Path(path), dataset=name or None)
    found = second_coder_ceiling(clips, agreements=_numbers(agreement), coders=coders, seed=seed)
    if as_json:
        OUT.print(records.dumps(found), end="")
        return
    print_table(
        ("", "clips", "agreement", "measured", "UF1", "UAR"),
        (
            (
                row.data_set,
                str(row.clips),
                f"{row.agreement:.2f}",
                f"{row.measured_agreement:.3f}",
                _mean_sd(row.uf1, row.uf1_sd),
                _mean_sd(row.uar, row.uar_sd),
            )
            for row in found.rows
        ),
    )
    OUT.print(
        f"{found.clips} clips of {found.subjects} subjects, {len(found.units)} action units; "
        f"{found.coders} coders for each agreement, seed {found.seed}"
    )
    if found.without_code:
        print_warning(f"{found.without_code} clips have no certain action unit and do not count")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--agreement {text!r}: give numbers with commas between") from error


def _mean_sd(mean: float, sd: float | None) -> str:
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"
