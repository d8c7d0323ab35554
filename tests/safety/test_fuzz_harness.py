"""The fuzz harness sees every kind of harm, and gives the same inputs for ever."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from fuzz import summary
from fuzz.cases import build_case, write_seeds
from fuzz.mutators import by_suffix, raw
from fuzz.pool import run_cases
from fuzz.readers import Reader, Seed
from fuzz.results import Results
from fuzz.sentinel import write_module
from fuzz.verdict import Limits, Verdict
from fuzz.worker import Job

HERE = "test_fuzz_harness"
LIMITS = Limits(processor_s=0.5, wall_s=20, memory_mb=100)


def harmless(path: Path) -> None:
    sys.stdout.write(f"{path}\n")


def refuses(path: Path) -> None:
    sys.stderr.write("error: named\n")
    sys.exit(3)


def raises(path: Path) -> None:
    raise ZeroDivisionError(str(path))


def exits_unnamed(path: Path) -> None:
    sys.exit(1)


def computes_for_ever(path: Path) -> None:
    while True:
        pass


def waits_for_ever(path: Path) -> None:
    time.sleep(60)


def takes_memory(path: Path) -> None:
    kept = []
    while True:
        kept.append(b"x" * (1 << 22))


def takes_memory_and_ends(path: Path) -> None:
    # Touched, so that it is there; given back before anybody polls.
    del (bytearray(b"x") * (180 << 20))[:]


def dies(path: Path) -> None:
    os._exit(9)


def imports_what_is_named(path: Path) -> None:
    __import__("hmrm_fuzz_sentinel")


def leaves_a_file(path: Path) -> None:
    Path("left.txt").write_text("")


def leaves_a_temporary_file(path: Path) -> None:
    import tempfile

    tempfile.mkdtemp()


def prints_an_escape(path: Path) -> None:
    sys.stdout.write("\x1b[31mred\n")


def writes_a_tag(path: Path) -> None:
    Path("out").mkdir()
    Path("out/page.html").write_text("<p><img src=x onerror=alert(1)></p>")


EXPECTED = {
    harmless: "success",
    refuses: "named",
    raises: "traceback",
    exits_unnamed: "exit",
    computes_for_ever: "hang",
    waits_for_ever: "hang",
    takes_memory: "memory",
    takes_memory_and_ends: "memory",
    dies: "crash",
    imports_what_is_named: "code run",
    leaves_a_file: "left",
    leaves_a_temporary_file: "left",
    prints_an_escape: "harmful",
    writes_a_tag: "harmful",
}


def _make(folder: Path, kit: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "x.txt").write_text("a text\nof two lines\n")


def _job(tmp_path: Path, function: Callable[[Path], None]) -> Job:
    seed = Seed(name="text", make=_make, commands=(f"call:{HERE}:{function.__name__} in",))
    readers = (Reader(name="planted", weight=1, seeds=(seed,)),)
    write_seeds(tmp_path / "seeds", readers, tmp_path / "kit")
    write_module(tmp_path / "modules")
    return Job(
        seed=0,
        readers=readers,
        seeds=tmp_path / "seeds",
        place=tmp_path / "work",
        modules=tmp_path / "modules",
        limits=LIMITS,
    )


def _run(tmp_path: Path, function: Callable[[Path], None], numbers: list[int]) -> Iterator[Verdict]:
    results = Results(tmp_path / "results")
    for found in run_cases(_job(tmp_path, function), numbers, workers=1, keep=results.keep):
        results.add(found)
        yield found


@pytest.mark.parametrize("function", EXPECTED, ids=lambda one: one.__name__)
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_every_kind_of_harm_is_seen(function: Callable[[Path], None], tmp_path: Path) -> None:
    (found,) = _run(tmp_path, function, [0])
    assert found.outcome == EXPECTED[function], found
    kept = list((tmp_path / "results" / "faults").glob("*/command.txt"))
    assert len(kept) == (1 if found.faults else 0)
    assert summary.failed([found]) == len(kept)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_worker_goes_on_after_an_input_that_killed_it(tmp_path: Path) -> None:
    found = list(_run(tmp_path, dies, [0, 1, 2, 3]))
    assert sorted(one.number for one in found) == [0, 1, 2, 3]
    assert {one.outcome for one in found} == {"crash"}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_results_are_read_back_and_a_cut_off_line_is_dropped(tmp_path: Path) -> None:
    found = list(_run(tmp_path, harmless, [0, 1]))
    log = tmp_path / "results" / "results.jsonl"
    with log.open("a") as file:
        file.write('{"number": 2, "rea')
    again = Results(tmp_path / "results")
    assert again.done == {0, 1}
    assert again.verdicts == found


def test_a_number_gives_the_same_input_for_ever(tmp_path: Path) -> None:
    job = _job(tmp_path, harmless)

    def built(number: int, name: str) -> tuple[object, ...]:
        case = build_case(
            number, seed=7, readers=job.readers, seeds=job.seeds, folder=tmp_path / name
        )
        files = {
            path.relative_to(case.folder): path.read_bytes()
            for path in sorted(case.folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        return case.words, case.damage, files

    first = [built(number, "a") for number in range(60)]
    assert first == [built(number, "b") for number in range(60)]
    assert len({str(one) for one in first}) > 40


@pytest.mark.parametrize("suffix", by_suffix.BY_SUFFIX)
def test_mutators_take_any_content(suffix: str) -> None:
    """Damage is stacked, so that each must take what another has left."""
    rng = Random(1)
    contents = [b"", b"x", b"{}", b"a,b\n1,2\n", bytes(64), rng.randbytes(300)]
    for mutator in dict.fromkeys((*by_suffix.BY_SUFFIX[suffix], *raw.MUTATORS)):
        # Those that build half a gigabyte do so whatever they are given.
        rounds = 1 if mutator.__name__ in ("bomb", "large_cell", "png_large") else 12
        for content in contents * rounds:
            assert isinstance(mutator(content, rng), bytes)
