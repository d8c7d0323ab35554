"""``python -m fuzz``: damage inputs of every reader, and see that none of them hurts."""

import contextlib
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fuzz import summary
from fuzz.cases import KIT, build_case, write_seeds
from fuzz.pool import run_cases
from fuzz.program import import_everything, run
from fuzz.readers import Reader, readers
from fuzz.results import FAULTS, Results
from fuzz.seeds import datasets, evaluation, training
from fuzz.sentinel import write_module
from fuzz.verdict import Limits
from fuzz.worker import Job

_LINE_S = 30.0


def main(
    inputs: Annotated[int, typer.Option(min=1, help="Number of inputs, from 0.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides every input.")] = 0,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="Stop after so long, whatever is left.", show_default=False),
    ] = None,
    reader: Annotated[
        list[str] | None,
        typer.Option(help="Only this reader; may be repeated.", show_default=False),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder; a run in it is resumed.")
    ] = Path("build/fuzz"),
    case: Annotated[
        int | None,
        typer.Option(help="Only build this input, and print its command.", show_default=False),
    ] = None,
) -> None:
    """Damage inputs of every reader, and see that none of them hurts.

    Every input must end in success or in a named error, within 10 s of processor time and 1 GB
    beyond a process at rest, with nothing run and nothing left behind. Exits with 1 otherwise; the
    inputs that failed lie in the output folder with their commands.
    """
    chosen = _chosen(reader or [])
    folder = output.absolute() / f"seed{seed}{''.join(f'-{name}' for name in reader or [])}"
    seeds = _fresh_seeds(folder / "seeds", chosen)
    job = Job(
        seed=seed,
        readers=chosen,
        seeds=seeds,
        place=folder / "work",
        modules=folder / "modules",
        limits=Limits(),
    )
    write_module(job.modules)
    if case is not None:
        return _build_one(job, case, folder / "case")
    results = Results(folder)
    numbers = [number for number in range(inputs) if number not in results.done]
    print(f"{inputs - len(numbers)} of {inputs} inputs are in {folder} already", file=sys.stderr)
    with contextlib.suppress(KeyboardInterrupt):
        _run_all(job, numbers, results, workers=workers, seconds=seconds)
    shutil.rmtree(job.place, ignore_errors=True)
    for line in summary.lines(results.verdicts, [one.name for one in chosen]):
        print(line)
    if count := summary.failed(results.verdicts):
        print(f"{count} inputs failed; see {folder / FAULTS}")
        raise typer.Exit(1)
    return None


def _chosen(names: Sequence[str]) -> tuple[Reader, ...]:
    unknown = set(names) - {one.name for one in readers()}
    if unknown:
        known = ", ".join(one.name for one in readers())
        raise typer.BadParameter(f"no reader {sorted(unknown)[0]!r}; there are {known}")
    return tuple(one for one in readers() if not names or one.name in names)


def _fresh_seeds(folder: Path, chosen: Sequence[Reader]) -> Path:
    """Seeds by the program as it is now; each must be read as it was written."""
    shutil.rmtree(folder, ignore_errors=True)
    kit = folder / KIT
    kit.mkdir(parents=True)
    for module in (evaluation, training, datasets):
        module.kit(kit)
    write_seeds(folder, chosen, kit)
    trial = folder.with_name("trial")
    for reader in chosen:
        for seed in reader.seeds:
            for number in range(len(seed.commands)):
                shutil.rmtree(trial, ignore_errors=True)
                shutil.copytree(folder / reader.name / seed.name, trial / "in")
                with contextlib.chdir(trial):
                    ending = run(seed.words(number, kit))
                if ending.exit_code not in seed.codes:
                    words = " ".join(seed.words(number, kit))
                    raise RuntimeError(
                        f"seed {seed.name}: {words}: {ending.printed}{ending.report}"
                    )
    shutil.rmtree(trial, ignore_errors=True)
    return folder


def _run_all(
    job: Job, numbers: Sequence[int], results: Results, *, workers: int, seconds: float | None
) -> None:
    import_everything()
    began = spoken = time.monotonic()
    found = run_cases(job, numbers, workers=workers, keep=results.keep)
    with contextlib.closing(found):
        for count, one in enumerate(found, start=1):
            results.add(one)
            now = time.monotonic()
            if seconds is not None and now - began > seconds:
                return
            if now - spoken > _LINE_S:
                spoken = now
                bad = summary.failed(results.verdicts)
                rate = count / (now - began)
                print(
                    f"{count} of {len(numbers)} inputs, {bad} failed, {rate:.0f} a second",
                    file=sys.stderr,
                )


def _build_one(job: Job, number: int, folder: Path) -> None:
    found = build_case(number, seed=job.seed, readers=job.readers, seeds=job.seeds, folder=folder)
    print(f"cd {folder} && {found.command}")
    for line in found.damage:
        print(f"  {line}")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
