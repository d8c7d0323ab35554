"""Entry point: registers the commands and turns errors into messages and exit codes."""

import errno
import sys
import traceback
from typing import Annotated

import typer

from hmrm import provenance
from hmrm.cli.ablate import ablate
from hmrm.cli.analyze import analyze
from hmrm.cli.benchmark import app as benchmark
from hmrm.cli.ceiling import ceiling
from hmrm.cli.datasets import app as datasets
from hmrm.cli.demo import demo
from hmrm.cli.evaluate import evaluate
from hmrm.cli.explain import explain
from hmrm.cli.export import export
from hmrm.cli.flow import flow
from hmrm.cli.info import info
from hmrm.cli.report import report
from hmrm.cli.score_aus import score_aus
from hmrm.cli.score_spotting import score_spotting
from hmrm.cli.serve import serve
from hmrm.cli.spot import spot
from hmrm.cli.terminal import ERR, LOUDNESS, OUT, print_error, set_loudness
from hmrm.cli.train import app as train
from hmrm.cli.weights import app as weights
from hmrm.errors import HmrmError, OutputError

INTERRUPTED = 130
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

app = typer.Typer(
    name="hmrm",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich cuts long words of a help text at 80 columns
    pretty_exceptions_enable=False,
    help="Find facial micro-expressions in video, name them, show where and when, and how sure.",
    epilog=(
        "Exit codes: 0 done, 1 internal, 2 wrong usage, 3 input, 4 face, 5 output, 6 config, "
        "7 weights, 8 missing extra, 9 not a number, 10 cluster, 130 interrupted, "
        "141 nobody reads the output."
    ),
)


def _print_version(asked: bool) -> bool:
    if asked:
        OUT.print(f"hmrm {provenance.version()}")
        raise typer.Exit
    return asked


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show Python's own trace of an error.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No progress; results, warnings and errors stay.")
    ] = False,
) -> None:
    del version
    set_loudness(verbose=verbose, quiet=quiet)


app.command(short_help="Analyse a synthetic clip with a known smile.")(demo)
app.command(short_help="Find and classify movements in videos; write a report.")(analyze)
app.command(short_help="Results as files for ELAN, Praat, BORIS and others.")(export)
app.command(short_help="Why a movement has its class.")(explain)
app.command(short_help="Optical flow from onset to apex.")(flow)
app.command(short_help="Versions, backends, weights and licences.")(info)
app.command(short_help="Score a model without seeing the test subject.")(evaluate)
app.command(short_help="Change one part at a time, and compare.")(ablate)
app.command(short_help="Put runs next to each other and published numbers.")(report)
app.command("score-aus", short_help="F1 of action units against an annotation table.")(score_aus)
app.command(short_help="What a second coder of action units would reach.")(ceiling)
app.command(short_help="Intervals of expressions in long videos.")(spot)
app.command(short_help="Review events in the browser, to the frame.")(serve)
app.command("score-spotting", short_help="Score such intervals by the MEGC rule.")(score_spotting)
app.add_typer(datasets, name="datasets")
app.add_typer(train, name="train")
app.add_typer(benchmark, name="benchmark")
app.add_typer(weights, name="weights")


def main() -> None:
    """Run the command line; package errors become one line and their exit code."""
    try:
        app()
    except HmrmError as error:
        if LOUDNESS.verbose:
            traceback.print_exc()
        print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        print_error(OutputError(f"no space left ({error}); free some and give the command again"))
        sys.exit(OutputError.exit_code)
    except SystemExit as done:
        # Ctrl-C reaches this place as an exit: typer has caught it.
        if done.code == INTERRUPTED:
            ERR.print(
                "interrupted; nothing half-written was left behind; given again, commands that "
                "train, evaluate, prepare, or take several videos resume from what is done"
            )
        raise
