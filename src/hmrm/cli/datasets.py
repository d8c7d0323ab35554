"""hmrm datasets: look at data before anything is trained on it, or draw some to try with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hmrm.cli.terminal import OUT

app = typer.Typer(no_args_is_help=True, help="Look at data sets, or draw one to try with.")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="Folder of flow maps, in any known layout.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a folder of flow maps holds: counts, duplicates, oddities, where the face lies."""
    from hmrm.datasets.check import check_maps

    found = check_maps(path)
    if as_json:
        OUT.print(json.dumps(found, indent=1, ensure_ascii=False), markup=False)
    else:
        _print(found)


@app.command()
def fake(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
    layout: Annotated[
        Literal["flat", "folds", "prepared"], typer.Option(help="Layout on disk.")
    ] = "flat",
    subjects: Annotated[int, typer.Option(min=1, help="Subjects per data set.")] = 4,
    clips: Annotated[int, typer.Option(min=1, help="Clips per subject.")] = 6,
    noise: Annotated[float, typer.Option(min=0, help="0 is easy, 2 nearly hopeless.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Of the drawing.")] = 0,
) -> None:
    """Draw a data set that looks like the real ones on disk, to try everything with.

    A score on it says that the chain works, never how good a model is.
    """
    import numpy as np

    from hmrm.datasets.fake_maps import draw_maps, write_layout

    crop = "megc2019-flow" if layout == "flat" else "norm-u-v-os"
    drawn = draw_maps(
        subjects=subjects,
        clips=clips,
        crop=crop,
        noise=noise,
        generator=np.random.default_rng(seed),
    )
    write_layout(output, drawn, layout=layout)
    OUT.print(f"{len(drawn.ids)} drawn clips of {len(set(drawn.subjects))} subjects in {output}")


def _print(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=f"{found['path']}: layout {found['layout']}, crop {found['crop']}")
    table.add_column("data set")
    for column in ("subjects", "clips", *found["classes"]):
        table.add_column(column, justify="right")
    for name, part in found["datasets"].items():
        counts = (part["by_class"][c] for c in found["classes"])
        table.add_row(name, str(part["subjects"]), str(part["clips"]), *map(str, counts))
    sums = (sum(p["by_class"][c] for p in found["datasets"].values()) for c in found["classes"])
    table.add_section()
    table.add_row("all", str(found["subjects"]), str(found["clips"]), *map(str, sums))
    OUT.print(table)
    sizes = sorted(sum(n.values()) for n in found["by_subject"].values())
    OUT.print(f"clips per subject: {sizes[0]} to {sizes[-1]}, median {sizes[len(sizes) // 2]}")
    OUT.print(f"face: {found['face']['note']}")
    differences = found["composite_differences"]
    if not differences:
        OUT.print("this is the whole MEGC 2019 composite: 442 clips, 68 subjects")
    for line in differences:
        OUT.print(f"not the MEGC 2019 composite: {line}")
    for oddity in found["oddities"]:
        where = oddity["where"].replace("[", r"\[")
        OUT.print(f"[yellow]{oddity['code']}[/] {where}: {oddity['message']}")
    if not found["identical_maps"]:
        OUT.print("no two maps are identical")
