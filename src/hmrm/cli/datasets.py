"""hmrm datasets: what is here, maps for evaluation, or synthetic data to try with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmrm.cli.dataset_reports import print_check, print_issues, print_maps, print_prepared
from hmrm.cli.engine_options import (
    EngineName,
    ShardText,
    Workers,
    opened_engine,
    print_shard,
    shard_of,
)
from hmrm.cli.synthesize import write_dataset, write_maps
from hmrm.cli.terminal import ERR, OUT, output_file, output_folder, progress_bar
from hmrm.errors import ConfigError

if TYPE_CHECKING:
    from hmrm.datasets.maps.check import MapsCheck

app = typer.Typer(no_args_is_help=True, help="Look at data sets, prepare them, or make one up.")

# Keys of hmrm.flow.apex.APEX_RULES, written out so that help opens without it.
ApexRule = Literal["difference", "middle", "registration"]
_SIZES: dict[str, Literal[56, 112] | None] = {"28": None, "56": 56, "112": 112}
_Table = Annotated[
    Path | None, typer.Option("--table", help="Annotation table.", show_default=False)
]
_Faces = Annotated[
    Path | None,
    typer.Option(
        help="Five points by clip id (CSV) instead of detection: id, x1, y1, ... x5, y5; px in "
        "the onset of left eye, right eye, nose tip, left and right corner of the mouth, left "
        "and right as in the image.",
        show_default=False,
    ),
]
_Corrections = Annotated[
    Path | None,
    typer.Option(
        help="Your own corrections (CSV) with columns dataset, clip (subject/clip), column "
        "(onset, apex, offset or emotion), old (as the cell has it), new, evidence.",
        show_default=False,
    ),
]


@app.command("list")
def show() -> None:
    """Name every data set that can be read, its frame rate, licence, and where to apply for it.

    Example: hmrm datasets list
    """
    from hmrm.datasets.sources.catalogue import DATASETS

    OUT.print("composite: CASME II, SAMM and SMIC-HS below one folder, by the rule of MEGC 2019")
    for one in DATASETS.values():
        rate = f"{'up to ' if one.rates_differ else ''}{one.frames_per_s:g} frames/s"
        about = (one.title, rate, one.citation, one.licence, one.how_to_get)
        OUT.print(f"{one.name}: {'; '.join(about)}")


@app.command()
def check(
    source: Annotated[
        str, typer.Argument(help="Name of a data set, or a folder of flow maps.", metavar="NAME")
    ],
    root: Annotated[
        Path | None,
        typer.Argument(help="Folder of the data set, or its table.", show_default=False),
    ] = None,
    table: _Table = None,
    table_only: Annotated[bool, typer.Option(help="Do not look for frames.")] = False,
    corrections: _Corrections = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    strict: Annotated[
        bool,
        typer.Option(
            help="Exit with 1 where anything is excluded or missing, or counts are not the "
            "published ones; of flow maps, where there is any issue."
        ),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Say what is there and what is missing, count against the published numbers, list issues.

    Example: hmrm datasets check composite data

    Images are counted, not opened; prepare reports which ones are damaged.

    NAME ROOT looks at a data set as its authors ship it (hmrm datasets list); NAME alone, a
    folder, at flow maps in any known layout.
    """
    if root is None:
        from hmrm.datasets.synthetic_mark import CODE

        maps = _check_maps(source, as_json=as_json)
        if strict and (any(one.code != CODE for one in maps.issues) or maps.identical_maps):
            raise typer.Exit(1)
        return
    from hmrm.datasets.check_dataset import check_dataset
    from hmrm.datasets.load import LoadOptions

    options = LoadOptions(table=table, table_only=table_only, corrections=corrections)
    with progress_bar(enabled=progress) as bar:
        found = check_dataset(source, root, options, progress=bar)
    if as_json:
        OUT.print(found.to_json())
    else:
        _print_mark(root)
        print_check(found)
    if strict and found.faults:
        raise typer.Exit(1)


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="Name of a data set (hmrm datasets list).")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder to write.")
    ],
    flow: Annotated[
        str, typer.Option(help="tvl1, deepflow, dis, farneback, gru-aofe or gru-aofe-fast.")
    ] = "deepflow",
    workers: Workers = 1,
    engine: EngineName = "local",
    shard: ShardText = None,
    apex_rule: Annotated[
        ApexRule,
        typer.Option(
            "--apex-rule",
            "--apex",
            help="Where annotators gave no apex: CapsuleNet's largest difference to onset and "
            "offset, the middle, or the middle of the hold after registration (exacter; slower). "
            "--apex is its old name.",
        ),
    ] = "difference",
    landmarks: Annotated[
        Literal["5", "68"],
        typer.Option(
            help="Align detected faces by the detector's 5 points, or by 68 as the paper does "
            "(needs the extra dlib; its model excludes commercial use)."
        ),
    ] = "5",
    classes: Annotated[
        Literal["three", "four", "five", "seven"], typer.Option(help="Scheme of classes.")
    ] = "three",
    macro: Annotated[bool, typer.Option(help="Take macro-expressions, too.")] = False,
    head_motion: Annotated[
        bool, typer.Option(help="Fit the head's motion and take it out of the flow.")
    ] = True,
    frames: Annotated[
        bool,
        typer.Option(
            "--frames",
            help="Keep every frame from onset to offset in the crop, too, for models on frames "
            "such as lbp-top: some MB a clip.",
        ),
    ] = False,
    size: Annotated[
        Literal["28", "56", "112"],
        typer.Option(
            help="Cells of a map along each side. Shipped weights and the networks of the "
            "literature take 28; hmrm takes the others with network.map_size in its config."
        ),
    ] = "28",
    faces: _Faces = None,
    table: _Table = None,
    corrections: _Corrections = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Align onset and apex of every clip, estimate the flow, and write maps for hmrm evaluate.

    Example: hmrm datasets prepare composite data -o own-maps

    The same command given again makes what is missing and what changed. A folder that holds
    results of another data set or of other settings is refused.
    """
    from hmrm.datasets.load import LoadOptions
    from hmrm.datasets.preparation.plan import PrepareConfig
    from hmrm.datasets.preparation.prepare_clip import ClipSettings
    from hmrm.datasets.preparation.run import prepare as run
    from hmrm.datasets.preparation.run import prepare_shard
    from hmrm.datasets.synthetic_mark import is_synthetic, write_mark

    part = shard_of(shard, engine=engine)
    settings = PrepareConfig(
        clip=ClipSettings(
            flow=flow,
            apex=apex_rule,
            head_motion=head_motion,
            landmarks=68 if landmarks == "68" else None,
            frames=True if frames else None,
            size=_SIZES[size],
        ),
        classes=classes,
        macro=macro,
        faces=faces,
        load=LoadOptions(table=table, corrections=corrections),
    )
    with opened_engine(engine, workers=workers) as there, progress_bar(enabled=progress) as bar:
        if part is not None:
            count = prepare_shard(name, root, output, part, settings, workers=workers, progress=bar)
            print_shard(part, output, f"{count} clips")
            return
        done = run(name, root, output, settings, engine=there, progress=bar)
    if is_synthetic(root):
        write_mark(output)
    _print_mark(root)
    print_prepared(done, output)


@app.command()
def intervals(
    name: Annotated[str, typer.Argument(help="Name of a data set (hmrm datasets list).")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set, or its table.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_file, help="CSV to write.")
    ],
    table: _Table = None,
    table_only: Annotated[bool, typer.Option(help="Do not look for frames.")] = False,
    corrections: _Corrections = None,
    apex_rule: Annotated[
        ApexRule | None,
        typer.Option(
            help="Estimate the apex from the frames where annotators gave none but an offset, by "
            "this rule (see prepare); a last column states the rule.",
            show_default=False,
        ),
    ] = None,
    faces: _Faces = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Write the annotated intervals as a table for hmrm score-spotting.

    Example: hmrm datasets intervals samm-lv data -o truth.csv

    Frames are positions in each video's folder below ROOT, from 0, and videos are called what
    hmrm spot ROOT calls them, so that the table fits what it finds; columns onset_index, ... With
    --table-only, or a table alone, the table's own numbers: columns onset_frame, ... These begin
    at 1 in some data sets and anywhere in others (SMIC-E, CASME II).
    """
    from hmrm.datasets.annotations.issue_texts import group_issues
    from hmrm.datasets.interval_truth import ApexEstimate, write_intervals
    from hmrm.datasets.load import LoadOptions, for_root, is_composite, load_dataset
    from hmrm.datasets.preparation.supplied_points import read_points

    if is_composite(name):
        raise ConfigError("the composite is three data sets: give casme2, samm or smic by name")
    if faces is not None and apex_rule is None:
        raise ConfigError("--faces serves to estimate apexes; give --apex-rule, or remove it")
    options = LoadOptions(table=table, table_only=table_only, corrections=corrections)
    in_table = for_root(options, root).table_only
    loaded = load_dataset(name, root, options)
    estimate = apex_rule and ApexEstimate(rule=apex_rule, faces=read_points(faces) if faces else {})
    with progress_bar(enabled=progress and estimate is not None) as bar:
        done = write_intervals(
            output, loaded, as_in_table=in_table, estimate=estimate or None, progress=bar
        )
    counted = "numbered as in the table" if in_table else "counted from 0 in each video's folder"
    OUT.print(
        f"{done.count} intervals in {output}, frames {counted}; {len(done.skipped)} excluded",
    )
    stated = ("correct", "tables_differ", "table_lacks", "other_table")
    corrected = (one for one in loaded.annotations.issues if one.code.startswith(stated))
    print_issues(group_issues([*corrected, *done.issues]))
    left: dict[str, list[str]] = {}
    for skip in done.skipped:
        left.setdefault(skip.reason, []).append(skip.what)
    for reason, what in left.items():
        OUT.print(f"  {len(what)} × excluded: {reason}; first {what[0]}")


_Layout = Literal["flat", "folds", "prepared"]


@app.command()
def synthesize(
    name: Annotated[
        str,
        typer.Argument(
            help="maps: labelled flow maps. A data set (hmrm datasets list), or composite: tables "
            "and frames in its real layout."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder to write.")
    ],
    subjects: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of a data set only the first so many; of maps so many per data set (4).",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    frames: Annotated[
        bool, typer.Option(help="Of a data set: render the frames, not the tables alone.")
    ] = True,
    layout: Annotated[
        _Layout | None, typer.Option(help="Of maps: layout on disk (flat).", show_default=False)
    ] = None,
    clips: Annotated[
        int | None, typer.Option(min=1, help="Of maps: per subject (6).", show_default=False)
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            min=0, help="Of maps: 0 is easy, 2 nearly hopeless (0.5).", show_default=False
        ),
    ] = None,
) -> None:
    """Make up a data set to try everything with: rendered faces, or flow maps with labels.

    Example: hmrm datasets synthesize maps -o maps

    A score on it shows that the chain works, never how good a model is.
    """
    of_maps = {"--layout": layout, "--clips": clips, "--noise": noise}
    if name.lower() == "maps":
        if not frames:
            raise ConfigError("synthesize maps: there are no frames; remove --no-frames")
        write_maps(
            output,
            layout=layout or "flat",
            subjects=subjects or 4,
            clips=clips or 6,
            noise=0.5 if noise is None else noise,
            seed=seed,
        )
        return
    misplaced = [option for option, value in of_maps.items() if value is not None]
    if misplaced:
        raise ConfigError(f"synthesize {name}: {misplaced[0]} is for maps; remove it")
    write_dataset(name, output, subjects=subjects, seed=seed, frames=frames)


@app.command("draw", hidden=True)
def synthesize_by_old_name(
    name: Annotated[str, typer.Argument(help="Name of a data set, or composite.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder to write.")
    ],
    subjects: Annotated[int | None, typer.Option(min=1, show_default=False)] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    images: Annotated[bool, typer.Option("--pictures/--no-pictures")] = True,
) -> None:
    """The old name of hmrm datasets synthesize NAME."""
    ERR.print(f"hmrm datasets draw is now: hmrm datasets synthesize {name}")
    write_dataset(name, output, subjects=subjects, seed=seed, frames=images)


@app.command("fake", hidden=True)
def synthesize_maps_by_old_name(
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder to write.")
    ],
    layout: Annotated[_Layout, typer.Option()] = "flat",
    subjects: Annotated[int, typer.Option(min=1)] = 4,
    clips: Annotated[int, typer.Option(min=1)] = 6,
    noise: Annotated[float, typer.Option(min=0)] = 0.5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """The old name of hmrm datasets synthesize maps."""
    ERR.print("hmrm datasets fake is now: hmrm datasets synthesize maps")
    write_maps(output, layout=layout, subjects=subjects, clips=clips, noise=noise, seed=seed)


def _print_mark(root: Path) -> None:
    """The heading of what was found in a synthetic data set."""
    from hmrm.datasets.synthetic_mark import TITLE, is_synthetic

    if is_synthetic(root):
        OUT.emphasise(TITLE, ": no face here is a person's", style="yellow")


def _check_maps(source: str, *, as_json: bool) -> "MapsCheck":
    from hmrm.datasets.maps.check import check_maps
    from hmrm.datasets.sources.catalogue import names

    if source.lower() in names() and not Path(source).exists():
        raise ConfigError(f"check {source}: where is it? Give its folder: check {source} FOLDER")
    found = check_maps(Path(source))
    if as_json:
        OUT.print(found.to_json())
    else:
        print_maps(found)
    return found
