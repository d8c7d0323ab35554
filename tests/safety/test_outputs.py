"""Where results go: places that cannot be written, terminals that cannot show, names that act."""

import csv
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT, Ended, Server

from fuzz import program
from fuzz.seeds import analyses, datasets, evaluation, intervals, media
from hmrm.cli.terminal import OUT

OUTPUT_ERROR = 5

INTO_FOLDERS = {
    "evaluate": "evaluate --no-progress --data {kit}/maps --config {kit}/svm.toml -o out",
    "evaluate-weights": "evaluate --data {kit}/maps --weights {kit}/weights -o out",
    "evaluate-predictions": "evaluate --predictions in/table.csv -o out",
    "ablate": "ablate --no-progress --data {kit}/maps --config {kit}/ablation/ablation.toml -o out",
    "ablate-table": "ablate --data {kit}/maps --config {kit}/ablation/ablation.toml --table -o out",
    "report": "report {kit}/run -o out",
    "train-synthetic": "train synthetic --config {kit}/synthetic.toml -o out --no-progress",
    "train-flow": "train flow --config {kit}/flow.toml -o out --no-progress",
    "train-composite": "train composite --data {kit}/maps --config {kit}/hmrm.toml -o out",
    "prepare": "datasets prepare casme2 in/root --flow farneback --faces in/faces.csv -o out",
    "synthesize-maps": "datasets fake -o out",
    "synthesize-dataset": "datasets draw casme2 --subjects 1 -o out",
    "analyze": "analyze in/clip -o out --no-progress",
    "spot": "spot in/clip -o out --no-progress",
    "demo": "demo -o out --no-progress",
    "export": "export in/results -f elan,bids,openface,json,boris -o out --no-progress",
}
INTO_FILES = {
    "flow": "flow in/clip --onset 0 --apex 3 --method farneback -o out/flow.flo",
    "intervals": "datasets intervals casme2 in/root --table-only -o out/table.csv",
    "score-spotting": "score-spotting --truth in/truth.csv --found in/found.csv -o out/x.json",
    "benchmark": "benchmark models --models svm-linear --budget 0 -o out/x.json --no-progress",
}
ALL = {**INTO_FOLDERS, **INTO_FILES}
SIZES = (100, 4_000, 20_000)
"""Bytes of a file after which the disk is full."""

NAMES = {
    "markup": "[b]bold[",
    "tag": "<img src=x onerror=alert(1)>",
    "escape": "\x1b[31mred",
    "formula": '=HYPERLINK("x")',
    "not-utf-8": os.fsdecode(b"not-utf-8-\xff"),
}
NAMED = {
    "predictions": ("table.csv", "evaluate --predictions in/{name}.csv -o out"),
    "run": ("run", "report in/{name} -o out"),
    "image": ("onset.png", "flow in/{name}.png in/apex.png --method farneback -o out"),
    "clip": ("clip", "flow in/{name} --onset 0 --apex 3 --method farneback -o out"),
    "absent-face": ("clip", "analyze in/{name} -o out --no-progress"),
    "spotted": ("clip", "spot in/{name} -o out --no-progress"),
    "intervals": ("found.csv", "score-spotting --truth in/truth.csv --found in/{name}.csv -o out"),
    "maps": ("maps", "datasets check in/{name}"),
    "results": ("results", "export in/{name} -f elan,openface,summary -o out"),
    "table": ("root", "datasets check casme2 in/{name} --table-only"),
}
PRINTED = {
    "evaluate": INTO_FOLDERS["evaluate"],
    "check": "datasets check casme2 in/root --table-only",
    "report": INTO_FOLDERS["report"],
    "ablate": INTO_FOLDERS["ablate-table"],
    "score-spotting": "score-spotting --truth in/truth.csv --found in/found.csv",
    "score-aus": "score-aus --truth in/units/truth.csv --found in/units/found.csv",
    "list": "datasets list",
}
TABLES = {
    **PRINTED,
    "predictions": INTO_FOLDERS["evaluate-predictions"],
    "info": "info",
    "benchmark": INTO_FILES["benchmark"],
}
del TABLES["evaluate"]
TIMED = {"benchmark"}
ROW_HEADS = {"model", "part", "unit", "weights"}
"""What the rows of a table are: below each other they need no word for it."""


@pytest.fixture
def folder(tmp_path: Path, kit: Path) -> Path:
    """An input of every kind, whole."""
    place = tmp_path / "in"
    place.mkdir()
    for make in (
        evaluation.predictions,
        evaluation.run,
        intervals.comma,
        media.image_folder(".png"),
        media.pair(".png"),
        datasets.prepared,
        analyses.results,
    ):
        make(place, kit)
    evaluation.action_units(place / "units", kit)
    evaluation.maps(place / "maps", "prepared")
    (tmp_path / "tmp").mkdir()
    return tmp_path


MOST_S = 60
"""Processor time after which a command counts as hanging: many times what any of them takes."""


def run(server: Server, command: str, folder: Path, kit: Path, **more: object) -> Ended:
    words = [word.replace("{kit}", str(kit)) for word in shlex.split(command)]
    environment = {"TMPDIR": str(folder / "tmp")}
    return server.run(words, folder, most_s=MOST_S, most_mb=1000, environment=environment, **more)


@pytest.mark.parametrize("name", ALL)
def test_an_output_in_whose_place_a_file_lies_is_refused(
    name: str, server: Server, kit: Path, folder: Path
) -> None:
    (folder / "out").write_text("somebody's\n")
    ended = run(server, ALL[name], folder, kit)
    assert ended.exit_code == OUTPUT_ERROR, ended.printed + ended.report
    assert "out" in ended.printed
    assert (folder / "out").read_text() == "somebody's\n"
    assert not any((folder / "tmp").iterdir())


@pytest.mark.parametrize("name", INTO_FILES)
def test_an_output_in_whose_place_a_folder_lies_is_refused(
    name: str, server: Server, kit: Path, folder: Path
) -> None:
    target = folder / shlex.split(INTO_FILES[name])[shlex.split(INTO_FILES[name]).index("-o") + 1]
    target.mkdir(parents=True)
    ended = run(server, INTO_FILES[name], folder, kit)
    assert ended.exit_code == OUTPUT_ERROR, ended.printed + ended.report
    assert not any(target.iterdir())


@pytest.mark.parametrize("name", [f"{size}-{name}" for size in SIZES for name in ALL])
def test_a_disk_that_is_full_is_named_and_holds_nothing_half_written(
    name: str, server: Server, kit: Path, folder: Path
) -> None:
    """A limit on the size of every file stands for the full disk; some results fit below it."""
    size, _, command = name.partition("-")
    ended = run(server, ALL[command], folder, kit, largest_file=int(size))
    without_face = {4} if command in ("analyze", "spot") else set()
    done = set() if int(size) == SIZES[0] else {0}
    assert ended.exit_code in {OUTPUT_ERROR} | without_face | done, ended.printed + ended.report
    assert not [path for path in folder.rglob("*") if ".partial" in path.name]
    assert not any((folder / "tmp").iterdir())


@pytest.mark.parametrize("name", PRINTED)
def test_a_terminal_that_knows_ascii_alone_gets_the_result(
    name: str, server: Server, kit: Path, folder: Path
) -> None:
    ended = run(server, PRINTED[name], folder, kit, encoding="ascii")
    assert ended.exit_code == 0, ended.printed + ended.report
    assert ended.printed.strip()


@pytest.mark.parametrize("name", TABLES)
def test_a_narrow_terminal_shows_every_word_of_a_wide_one(
    name: str, kit: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    # Consoles are told that a terminal limits them; their width is that of the process's start.
    monkeypatch.setenv("COLUMNS", "20")
    printed = []
    for width in (500, 20):
        monkeypatch.setattr(OUT, "_width", width)
        shutil.rmtree(folder / "out", ignore_errors=True)
        ended = program.run([word.replace("{kit}", str(kit)) for word in shlex.split(TABLES[name])])
        assert ended.exit_code == 0, ended.printed + ended.report
        printed.append({w for w in ended.printed.split() if name not in TIMED or w.isalpha()})
    wide, narrow = printed
    assert wide <= narrow | ROW_HEADS, f"gone: {wide - narrow}"
    if name == "predictions":
        assert {"UF1", "UAR"} <= narrow


@pytest.mark.parametrize("name", ("closed", "broken-pipe"))
def test_nobody_listening_is_no_internal_error(name: str, folder: Path) -> None:
    """``>&-``, and a pipe whose reader has gone."""
    words = [sys.executable, "-m", "hmrm", "datasets", "list"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {shlex.join(words)} >&-"] if name == "closed" else words,
        stdout=subprocess.DEVNULL if name == "closed" else writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=False,
    )
    os.close(writing)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.returncode in (0, OUTPUT_ERROR, 141), done.stderr


def test_nothing_printed_is_markup() -> None:
    with OUT.capture() as printed:
        OUT.print("[b]a[/b] [/i] :smile: [link=x]b[/link] \x1b[31mc")
    assert printed.get() == "[b]a[/b] [/i] :smile: [link=x]b[/link] \\x1b[31mc\n"


@pytest.mark.parametrize("what", NAMED)
@pytest.mark.parametrize("name", NAMES)
def test_names_do_not_act(
    what: str,
    name: str,
    server: Server,
    kit: Path,
    folder: Path,
) -> None:
    source, command = NAMED[what]
    plain = folder / "in" / source
    plain.rename(plain.with_name(NAMES[name] + plain.suffix))
    words = [word.replace("{name}", NAMES[name]) for word in shlex.split(command)]
    ended = server.run(words, folder, most_s=MOST_S, most_mb=1000)
    assert ended.exit_code in (0, 4), ended.printed + ended.report
    assert "\x1b" not in ended.printed
    for path in sorted((folder / "out").rglob("*")):
        if path.suffix in (".html", ".md", ".svg"):
            assert "<img src=x onerror" not in path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
            assert not [cell for row in rows for cell in row if cell.startswith("=")]
