"""hmrm ablate: what each part of a model is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.engine_options import EngineName, ShardText, Workers, opened_engine, shard_of
from hmrm.cli.terminal import ERR, OUT, output_folder, print_table, progress_bar

if TYPE_CHECKING:
    from hmrm.evaluation.ablation.table import AblationTable


def ablate(
    data: Annotated[Path, typer.Option(help="Folder of flow maps.")],
    config: Annotated[
        Path,
        typer.Option(
            help="TOML file with a base config and rows that change it, e.g. configs/ablation.toml."
        ),
    ],
    allow_code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let the config name a model of this module (package.module:factory): runs that "
            "code with your rights; repeatable.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Run the base and this row; give it again for more, or names with commas.",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Use one data set alone, e.g. casme2.", show_default=False),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            help="Instead of the file's: loso, or a number of subject-grouped folds (5).",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of seeds, from 0, instead of the file's (3).", show_default=False
        ),
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Run nothing; print what is done.")
    ] = False,
    workers: Workers = 1,
    engine: EngineName = "local",
    shard: ShardText = None,
    recompute_damaged: Annotated[
        bool,
        typer.Option(
            "--recompute-damaged",
            help="Compute folds again whose files are damaged or were changed.",
        ),
    ] = False,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            callback=output_folder,
            help="Folder; each row is a run in a folder of it.",
        ),
    ] = Path("hmrm-ablation"),
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Change one thing at a time: every row under the same protocol, compared on the same subjects.

    Example: hmrm ablate --data maps --config configs/ablation.toml -o runs/ablation

    Interrupted, it prints what is done and goes on there when the same command is given again.
    """
    from hmrm.evaluation.ablation.runs import ablate as run
    from hmrm.evaluation.ablation.runs import ablate_shard, load_ablation, tabulate
    from hmrm.evaluation.task_maps import MapFolder

    part = shard_of(shard, engine=engine)
    asked = load_ablation(config, folds=folds, seeds=seeds, allow_code=allow_code or ())
    names = [name for given in only or [] for name in given.split(",")]
    asked.chosen(names)
    wants_offset = any(row.plan.settings.offset_maps for row in asked.rows)
    folder = MapFolder(path=data, offset=wants_offset, dataset=dataset)
    maps = folder.load()
    if table:
        _print(tabulate(maps, asked, output), output)
        return
    if part is not None:
        with progress_bar(enabled=progress) as bar:
            done = ablate_shard(
                maps,
                asked,
                output,
                part,
                only=names,
                workers=workers,
                recompute_damaged=recompute_damaged,
                progress=bar,
            )
        OUT.print(
            f"part {part.number} of {part.of}: {done} folds in ROW.shards below {output}; when all "
            "parts are through, give the same command without --shard to join them"
        )
        return
    try:
        with opened_engine(engine, workers=workers) as there, progress_bar(enabled=progress) as bar:
            result = run(
                maps,
                asked,
                output,
                only=names,
                engine=there,
                folder=folder,
                recompute_damaged=recompute_damaged,
                progress=bar,
            )
    except KeyboardInterrupt:
        _print(tabulate(maps, asked, output), output)
        raise
    _print(result.table, output)
    for error in result.failures.values():
        raise error


def _print(table: "AblationTable", output: Path) -> None:
    from hmrm.evaluation.ablation.table import origin_words, row_cells, row_name

    if table.origin is not None:
        head = ("", "UF1", "UAR", "UF1 − base", "95 %", "p (Holm)", "the change", "parameters")
        done = [row for row in table.rows if row.scores is not None]
        rows = [(row_name(r, table), *row_cells(r, by_class=False)) for r in done]
        print_table(head, rows, left=len(head))
        OUT.print(origin_words(table))
    waiting = [row.name for row in table.rows if row.scores is None]
    if waiting:
        OUT.print(f"not finished: {', '.join(waiting)}")
    for row in table.rows:
        if row.failed:
            ERR.print(f"{row.name}: {row.failed}")
    OUT.print(f"everything in {output / 'ablation.md'} and ablation.json")
