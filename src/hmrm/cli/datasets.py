"""hmrm datasets: what is here, what is odd, maps for evaluation; or drawn data to try with."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hmrm.cli.terminal import ERR, OUT, progress_bar
from hmrm.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Look at data sets, prepare them, or draw one.")

# Keys of hmrm.flow.apex.APEX_RULES, written out so that help opens without it.
ApexRule = Literal["difference", "middle", "registration"]
_Table = Annotated[
    Path | None, typer.Option("--table", help="Annotation table.", show_default=False)
]
_Faces = Annotated[
    Path | None,
    typer.Option(
        help="Five points by clip id (CSV) instead of detection: id, x1, y1, ... x5, y5; px in "
        "the onset of left eye, right eye, nose tip, left and right corner of the mouth, left "
        "and right as in the picture.",
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
    """Name every data set that can be read, its frame rate, licence, and where to apply for it."""
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
            help="Exit with 1 where anything is left out or missing, or counts are not the "
            "published ones; of flow maps, where anything is odd."
        ),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Say what is there and what is missing, count against the published numbers, name oddities.

    Pictures are counted, not opened; prepare tells which ones are damaged.

    NAME ROOT looks at a data set as its authors ship it (hmrm datasets list); NAME alone, a
    folder, at flow maps in any known layout.
    """
    if root is None:
        found = _check_maps(source, as_json=as_json)
        if strict and (found["oddities"] or found["identical_maps"]):
            raise typer.Exit(1)
        return
    from hmrm.datasets.check_dataset import check_dataset, count_faults
    from hmrm.datasets.load import LoadOptions

    options = LoadOptions(table=table, table_only=table_only, corrections=corrections)
    with progress_bar(enabled=progress) as bar:
        found = check_dataset(source, root, options, progress=bar)
    if as_json:
        OUT.print(json.dumps(found, indent=1, ensure_ascii=False), markup=False)
    else:
        _print_check(found)
    if strict and count_faults(found):
        raise typer.Exit(1)


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="Name of a data set (hmrm datasets list).")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
    flow: Annotated[
        str, typer.Option(help="tvl1, deepflow, dis, farneback, gru-aofe or gru-aofe-fast.")
    ] = "deepflow",
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
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
    faces: _Faces = None,
    table: _Table = None,
    corrections: _Corrections = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Align onset and apex of every clip, estimate the flow, and write maps for hmrm evaluate.

    The same command given again makes what is missing and what changed. A folder that holds
    results of another data set or of other settings is refused.
    """
    from hmrm.datasets.load import LoadOptions
    from hmrm.datasets.preparation.prepare_clip import ClipSettings
    from hmrm.datasets.preparation.run import PrepareConfig
    from hmrm.datasets.preparation.run import prepare as run

    settings = PrepareConfig(
        clip=ClipSettings(
            flow=flow,
            apex=apex_rule,
            head_motion=head_motion,
            landmarks=68 if landmarks == "68" else None,
        ),
        classes=classes,
        macro=macro,
        faces=faces,
        load=LoadOptions(table=table, corrections=corrections),
    )
    with progress_bar(enabled=progress) as bar:
        done = run(name, root, output, settings, workers=workers, progress=bar)
    subjects = {clip.rsplit("/", 1)[0] for clip in done.clips}
    left = f"{len(done.skipped)} left out"
    if done.skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in done.reasons.items())
        left += f" ({reasons}), see {output / 'skipped.csv'}"
    OUT.print(
        f"{len(done.clips)} clips of {len(subjects)} subjects in {done.maps} ({done.made} made now), "
        f"{left}",
        markup=False,
    )
    if done.removed:
        OUT.print(f"{done.removed} clips of an earlier run are in the maps no more; files removed")
    sources = Counter(done.faces.values()).most_common()
    OUT.print("faces: " + ", ".join(f"{count} {source}" for source, count in sources))
    for change, count in done.other_faces.items():
        OUT.print(f"  [yellow]{count} made anew, as their faces are from elsewhere[/]: {change}")
    _print_oddities(done.grouped_oddities)


@app.command()
def intervals(
    name: Annotated[str, typer.Argument(help="Name of a data set (hmrm datasets list).")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set, or its table.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV to write.")],
    table: _Table = None,
    table_only: Annotated[bool, typer.Option(help="Do not look for frames.")] = False,
    corrections: _Corrections = None,
    apex_rule: Annotated[
        ApexRule | None,
        typer.Option(
            help="Estimate the apex from the frames where annotators gave none but an offset, by "
            "this rule (see prepare), and tell so in a last column.",
            show_default=False,
        ),
    ] = None,
    faces: _Faces = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Write the annotated intervals as a table for hmrm score-spotting.

    Frames are positions in each video's folder below ROOT, from 0, and videos are called what
    hmrm spot ROOT calls them, so that the table fits what it finds; columns onset_index, ... With
    --table-only, or a table alone, the table's own numbers: columns onset_frame, ... These begin
    at 1 in some data sets and anywhere in others (SMIC-E, CASME II).
    """
    from hmrm.datasets.check_dataset import group_oddities
    from hmrm.datasets.interval_truth import ApexEstimate, write_intervals
    from hmrm.datasets.load import LoadOptions, for_root, is_composite, load_dataset
    from hmrm.datasets.preparation.given_points import read_points

    if is_composite(name):
        raise ConfigError("the composite is three data sets: give casme2, samm or smic by name")
    if faces is not None and apex_rule is None:
        raise ConfigError("--faces serves to estimate apexes; give --apex-rule, or leave it out")
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
        f"{done.count} intervals in {output}, frames {counted}; {len(done.skipped)} left out",
        markup=False,
    )
    mended = (one for one in loaded.annotations.oddities if one.code.startswith("correct"))
    _print_oddities(group_oddities([*mended, *done.oddities]))
    left: dict[str, list[str]] = {}
    for skip in done.skipped:
        left.setdefault(skip.reason, []).append(skip.what)
    for reason, what in left.items():
        OUT.print(f"  {len(what)} × left out: {reason}; first {what[0]}", markup=False)


@app.command()
def draw(
    name: Annotated[str, typer.Argument(help="Name of a data set, or composite.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
    subjects: Annotated[
        int | None, typer.Option(min=1, help="Only so many people.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawing.")] = 0,
    pictures: Annotated[bool, typer.Option(help="Draw the frames, not the tables alone.")] = True,
) -> None:
    """Draw a data set in its real layout, oddities included: tables and moving faces.

    A score on it says that the chain works, never how good a model is.
    """
    from hmrm.synthetic.datasets.catalogue import fakes_of
    from hmrm.synthetic.datasets.writer import write_fake, write_points

    points: dict[str, tuple[float, ...]] = {}
    clips = 0
    for fake in fakes_of(name):
        some = fake if subjects is None else fake.of_subjects(subjects)
        if not pictures and not some.tables(some.clips):
            ERR.print(f"warning: {some.name} has no table; without pictures it is not drawn")
            continue
        points |= write_fake(output, some, seed=seed, pictures="drawn" if pictures else "none")
        clips += len(some.records)
    if points:
        write_points(output / "faces.csv", points)
    OUT.print(f"{clips} drawn clips in {output}", markup=False)


@app.command()
def fake(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
    layout: Annotated[
        Literal["flat", "folds", "prepared"], typer.Option(help="Layout on disk.")
    ] = "flat",
    subjects: Annotated[int, typer.Option(min=1, help="Subjects per data set.")] = 4,
    clips: Annotated[int, typer.Option(min=1, help="Clips per subject.")] = 6,
    noise: Annotated[float, typer.Option(min=0, help="0 is easy, 2 nearly hopeless.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawing.")] = 0,
) -> None:
    """Draw flow maps that look like the real ones on disk, to try everything with.

    A score on them says that the chain works, never how good a model is.
    """
    import numpy as np

    from hmrm.synthetic.datasets.flow_maps import draw_maps, write_layout

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


def _check_maps(source: str, *, as_json: bool) -> dict[str, Any]:
    from hmrm.datasets.maps.check import check_maps
    from hmrm.datasets.sources.catalogue import names

    if source.lower() in names() and not Path(source).exists():
        raise ConfigError(f"check {source}: where is it? Give its folder: check {source} FOLDER")
    found = check_maps(Path(source))
    if as_json:
        OUT.print(json.dumps(found, indent=1, ensure_ascii=False), markup=False)
    else:
        _print_maps(found)
    return found


def _print_check(found: Mapping[str, Any]) -> None:
    for part in found["parts"]:
        _print_part(part)
    for missing in found["missing"]:
        OUT.print(f"missing: {missing['what']}: {missing['reason']}", markup=False)
    if "composite" in found:
        _print_composite(found["composite"])


def _print_part(part: Mapping[str, Any]) -> None:
    OUT.print(f"[bold]{part['title']}[/]: {part['clips']} clips of {part['subjects']} subjects")
    for name, digest in part["tables"].items():
        OUT.print(f"  table {name}, sha256 {digest[:16]}…", markup=False)
    if part["on_disk"] is not None:
        OUT.print(f"  on disk: {part['on_disk']} of {part['clips']}; {part['folders']} folders")
        OUT.print("  frames were counted, not opened; damaged ones show in prepare")
    for title, key in (("emotions", "by_emotion"), ("classes", "by_class"), ("kinds", "by_kind")):
        words = ", ".join(f"{name} {count}" for name, count in part[key].items())
        OUT.print(f"  {title}: {words}", markup=False)
    wrong = [p for p in part["published"] if p["published"] != p["found"]]
    if part["published"] and not wrong:
        OUT.print("  all counts are the published ones")
    for one in wrong:
        OUT.print(f"  [yellow]{one['what']}[/]: {one['found']}, published are {one['published']}")
    _print_oddities(part["oddities"])
    if part["skipped"]:
        OUT.print(
            f"  {len(part['skipped'])} left out; complete the folders, and mend the table or give "
            "the right values with --corrections:"
        )
    for skip in part["skipped"]:
        OUT.print(f"    {skip['what']}: {skip['reason']}", markup=False)


def _print_oddities(oddities: list[dict[str, Any]]) -> None:
    from hmrm.datasets.annotations.issue_texts import words_of

    for oddity in oddities:
        where = f"{oddity['where']}: {oddity['message']}".replace("[", r"\[")
        OUT.print(f"  {oddity['count']} × [yellow]{words_of(oddity['code'])}[/]; first {where}")


def _print_composite(found: Mapping[str, Any]) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in found["by_class"].items())
    OUT.print(
        f"[bold]MEGC 2019 composite[/]: {found['clips']} clips of {found['subjects']} subjects "
        f"({counts})"
    )
    for line in found["differences"]:
        OUT.print(f"  [yellow]differs[/]: {line}")
    if not found["differences"]:
        OUT.print("  this is the whole composite")
    for left in found["left_out"]:
        OUT.print(
            f"  left out × {left['count']}: {left['reason']}, first {left['first']}", markup=False
        )


def _print_maps(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from hmrm.datasets.annotations.issue_texts import words_of

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
        OUT.print(f"[yellow]{words_of(oddity['code'])}[/]: {where}: {oddity['message']}")
    if not found["identical_maps"]:
        OUT.print("no two maps are identical")
