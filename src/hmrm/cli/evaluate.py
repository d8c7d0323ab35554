"""hmrm evaluate: train and test a model under the protocol, or score what is there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmrm.cli.engine_options import (
    EngineName,
    ShardText,
    Workers,
    opened_engine,
    print_shard,
    shard_of,
)
from hmrm.cli.terminal import ERR, OUT, output_folder, print_table, print_warning, progress_bar
from hmrm.errors import ConfigError
from hmrm.evaluation.settings import CLASS_SETS
from hmrm.progress import Progress
from hmrm.training.registry import trainable

if TYPE_CHECKING:
    from hmrm.evaluation.calibration_scores import CalibrationScores, SetScores
    from hmrm.evaluation.results import Estimate, RunResult, RunSummary
    from hmrm.evaluation.settings import Plan
    from hmrm.evaluation.task_maps import MapFolder
    from hmrm.shard import Shard

Rule = Literal["fixed", "inner", "oracle"]


def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of flow maps; not with --predictions.", show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help=f"Train this one: {', '.join(trainable())}, or package.module:factory: "
            "runs that code.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Instead of --model: score pretrained weights, by name or path; with an "
            "action-unit head also write action_units.csv.",
            show_default=False,
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Instead of --model and --data: score a table of predictions (CSV "
            "with the columns truth, predicted, and id or subject; y_true, y_pred and the like "
            "are read too) or a log of STSTNet, HTNet or MEGC 2019.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Columns of --predictions in the order of the file, where it does not state "
            "them, such as clip,predicted,truth.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with the tables [model] and [evaluation]; options given here win.",
            show_default=False,
        ),
    ] = None,
    allow_code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let the config name a model of this module (package.module:factory): runs that "
            "code with your rights; repeatable.",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            help="loso (leave one subject out; default), loso-per-dataset, datasets (leave "
            "one data set out), or a number of subject-grouped folds.",
            show_default=False,
        ),
    ] = None,
    selection: Annotated[
        Rule | None,
        typer.Option(
            help="How the epoch is chosen: fixed (the last; default), inner (on other training "
            "subjects), oracle (on the test subject: shows how much that inflates the score).",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of seeds, from 0.", show_default=False)
    ] = None,
    classes: Annotated[
        str,
        typer.Option(
            help="Classes of external predictions, in label order, commas between; or a list by "
            f"name: {', '.join(CLASS_SETS)}."
        ),
    ] = "negative,positive,surprise",
    allow_seen: Annotated[
        bool, typer.Option(help="Score weights on people they were trained on; stamped.")
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
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder of the run.")
    ] = Path("hmrm-run"),
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json.")] = False,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Score a model honestly: no subject on both sides, all clips pooled, all classes named.

    Example: hmrm evaluate --model svm-mirrored --data maps -o runs/svm

    An interrupted run goes on where it stopped when the same command is given again.
    """
    given = [name for name in (weights, predictions) if name is not None]
    part = shard_of(shard, engine=engine)
    if given and (part is not None or engine != "local"):
        raise ConfigError("--shard and --engine divide the training of --model or --config")
    if len(given) > 1 or (given and model is not None):
        raise ConfigError("give one of --model, --weights and --predictions")
    if predictions is not None:
        from hmrm.evaluation.external_predictions import score_external

        result = score_external(
            predictions,
            output,
            classes=CLASS_SETS.get(classes, tuple(classes.split(","))),
            columns=tuple(columns.split(",")) if columns else (),
        )
    elif columns is not None:
        raise ConfigError("--columns names the columns of --predictions; give that, too")
    elif data is None:
        raise ConfigError("nothing to evaluate on; give --data FOLDER")
    elif weights is not None:
        result = _finished(weights, data, output, allow_seen=allow_seen)
    else:
        from hmrm.evaluation.settings import load_plan

        plan = load_plan(
            config,
            model=model,
            allow_code=allow_code or (),
            folds=folds,
            selection=selection,
            seeds=None if seeds is None else tuple(range(seeds)),
        )
        from hmrm.evaluation.task_maps import MapFolder

        folder = MapFolder(path=data, offset=plan.settings.offset_maps)
        with progress_bar(enabled=progress) as bar:
            work = _Work(
                folder=folder, plan=plan, output=output, recompute_damaged=recompute_damaged
            )
            if part is not None:
                done = work.compute_part(part, workers, bar)
                print_shard(part, output, f"{done} folds")
                return
            result = work.compute(engine, workers, bar)
    if as_json:
        OUT.print((output / "run.json").read_text("utf-8"), end="")
        for warning in result.summary.warnings:
            print_warning(warning)
    else:
        _print(result.summary, output)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A model to train and test."""

    folder: "MapFolder"
    plan: "Plan"
    output: Path
    recompute_damaged: bool

    def compute(self, engine: str, workers: int, bar: Progress) -> "RunResult":
        from hmrm.evaluation.run import evaluate as run

        maps = self.folder.load()
        with opened_engine(engine, workers=workers) as there:
            return run(
                maps,
                self.plan,
                self.output,
                engine=there,
                folder=self.folder,
                recompute_damaged=self.recompute_damaged,
                progress=_telling_what_is_there(bar, self.output),
            )

    def compute_part(self, shard: "Shard", workers: int, bar: Progress) -> int:
        from hmrm.evaluation.run import evaluate_shard

        return evaluate_shard(
            self.folder.load(),
            self.plan,
            self.output,
            shard,
            workers=workers,
            recompute_damaged=self.recompute_damaged,
            progress=_telling_what_is_there(bar, shard.folder(self.output)),
        )


def _telling_what_is_there(bar: Progress, output: Path) -> Progress:
    """``bar``, and a line first where folds are left from an earlier run."""
    waiting = True

    def advance(stage: str, done: int, total: int | None) -> None:
        nonlocal waiting
        if waiting and done:
            ERR.print(f"{done} of {total} {stage} are in {output} already")
        waiting = False
        bar(stage, done, total)

    return advance


def _finished(name: str, data: Path, output: Path, *, allow_seen: bool) -> "RunResult":
    from hmrm.datasets.maps.importers import load_maps
    from hmrm.evaluation.action_units.predict import predict_units, write_units
    from hmrm.evaluation.pretrained import load_pretrained, score_pretrained

    maps = load_maps(data)
    result = score_pretrained(load_pretrained(name), maps, output, allow_seen=allow_seen)
    units = predict_units(name, maps)
    if units is not None:
        path = write_units(output, units)
        ERR.print(f"{len(units.units)} action units of each clip in {path}")
    return result


def _print(summary: "RunSummary", output: Path) -> None:
    OUT.emphasise(summary.title, f": {summary.selection_words}")
    rows = []
    for name, part in summary.scores.items():
        uf1 = part.uf1
        cells = [_mean_sd(uf1), _mean_sd(part.uar), f"{part.accuracy.mean:.4f}"]
        interval = f"{uf1.low:.3f} to {uf1.high:.3f}"
        rows.append((name, str(part.clips), *cells, interval, f"{uf1.chance.permuted:.3f}"))
    print_table(("", "clips", "UF1", "UAR", "acc.", "95 % of UF1", "guess"), rows)
    if summary.calibration is not None:
        _print_calibration(summary.calibration)
    seeds = len(summary.seeds)
    OUT.print(
        f"{summary.clips} clips of {summary.subjects} subjects, {len(summary.skipped)} skipped; "
        f"folds: {summary.folds}; {seeds} seed{'s' if seeds > 1 else ''}; "
        f"everything in {output / 'run.json'}"
    )
    for warning in (*summary.warnings, *(leak.message for leak in summary.leaks[:3])):
        print_warning(warning)


def _print_calibration(found: "CalibrationScores") -> None:
    error, kept = found.error, found.abstention
    OUT.print(
        "calibrated on other subjects: "
        f"NLL {found.nll.value:.3f} (before {found.nll_uncalibrated.value:.3f}), "
        f"Brier {found.brier.value:.3f} ({found.brier_uncalibrated.value:.3f}), "
        f"calibration error {error.value:.3f} ({found.error_uncalibrated.value:.3f}; a perfectly "
        f"calibrated model: {error.perfect_low:.3f} to {error.perfect_high:.3f}); without the "
        f"least certain {kept.excluded:.0%} of clips UF1 {kept.uf1:.3f} "
        f"({kept.gain.value:+.3f}, 95 %: {kept.gain.low:+.3f} to {kept.gain.high:+.3f})"
    )
    rows = [
        (f"other {by}: {rule}", *_set_cells(one))
        for by, sets in (("subjects", found.other_subjects), ("data sets", found.other_data_sets))
        for rule, one in (sets or {}).items()
    ]
    head = (
        "",
        f"coverage of sets at {found.level:.0%}",
        "95 %",
        "size",
        "least class",
        "least set",
    )
    print_table(head, rows)


def _set_cells(one: "SetScores") -> tuple[str, ...]:
    covered = one.coverage
    classes = [value for value in one.by_class if value is not None]
    interval = f"{covered.low:.3f} to {covered.high:.3f}"
    least = (min(classes), min(one.by_data_set.values()))
    return (f"{covered.value:.3f}", interval, f"{one.size:.2f}", *(f"{v:.3f}" for v in least))


def _mean_sd(found: "Estimate") -> str:
    if found.sd is None:
        return f"{found.mean:.4f}"
    return f"{found.mean:.3f} ± {found.sd:.3f}"
