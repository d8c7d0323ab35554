"""Damaged inputs of our own making: one small member of every kind that once did harm."""

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fuzz.seeds import evaluation

Make = Callable[[Path, Path], None]
"""Fills a folder, given that of the kit."""

Change = Callable[[Path], object]
"""Damages a folder that a seed has filled."""


def nothing(folder: Path, kit: Path) -> None:
    """No seed at all."""


def after(make: Make, *changes: Change) -> Make:
    """A seed, then damaged."""

    def both(folder: Path, kit: Path) -> None:
        make(folder, kit)
        for change in changes:
            change(folder)

    return both


def file(name: str, content: str | bytes) -> Change:
    """A file with this content, whatever was there."""
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(raw)


def changed_json(name: str, **changes: object) -> Change:
    """Keys of a JSON file replaced."""

    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | changes))

    return change


def link(name: str, target: str) -> Change:
    """A link under this name, whatever was there."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def folder_named(name: str) -> Change:
    """A folder under this name, whatever was there."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir(parents=True)

    return change


def text(name: str, content: str) -> Make:
    """One text file."""
    return after(nothing, file(name, content))


def config(lines: str) -> Make:
    """A config of an evaluation."""
    return text("run.toml", lines)


EVIL = '[model]\nname = "os:system"\ncommand = "touch code-ran"\n'
EVIL_ROW = f"base = 'base.toml'\n[[rows]]\nname = 'x'\n[rows.model]\n{EVIL.split(chr(10), 1)[1]}"


def evil_ablation(folder: Path, kit: Path) -> None:
    """A row that names code."""
    evaluation.ablation(folder, kit)
    (folder / "ablation.toml").write_text(EVIL_ROW)


def card(**changes: object) -> Make:
    """Weights whose card is damaged."""

    def make(folder: Path, kit: Path) -> None:
        evaluation.weights(folder, kit)
        path = folder / "weights.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return make


def deep_card(folder: Path, kit: Path) -> None:
    """Weights whose card is brackets."""
    evaluation.weights(folder, kit)
    (folder / "weights.json").write_text("[" * 5000)


def other_tensors(folder: Path, kit: Path) -> None:
    """Weights whose tensors lie, under a card that states their digest."""
    evaluation.weights(folder, kit)
    header = b'{"x":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}'
    content = struct.pack("<Q", len(header)) + header + bytes(4)
    (folder / "weights.safetensors").write_bytes(content)
    path = folder / "weights.json"
    table = json.loads(path.read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(table))


def spotted(videos: str) -> Make:
    """A result of ``hmrm spot`` of the wrong shape, and a truth."""

    def make(folder: Path, kit: Path) -> None:
        (folder / "found.json").write_text(f'{{"videos": {videos}}}')
        (folder / "truth.csv").write_text("subject,video,onset,offset,type\ns,v,1,9,micro\n")

    return make


def long_cell(name: str, header: str, row: str) -> Make:
    """A text table with a cell beyond what Python's csv module takes."""
    return text(name, f"{header}\n{row.replace('LONG', 'x' * 131_073)}\n")


def run_json(**changes: object) -> Make:
    """A finished run whose result has other values."""

    def change(folder: Path) -> None:
        path = folder / "run" / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return after(evaluation.run, change)


def fold_files(change: Callable[[Path], None]) -> Make:
    """A finished run one of whose fold files was changed."""

    def make(folder: Path, kit: Path) -> None:
        evaluation.run(folder, kit)
        change(sorted((folder / "run" / "folds" / "seed0").iterdir())[0])

    return make


def rolled_scores(path: Path) -> None:
    """Every score under the name of the next class: a valid file, and another result."""
    found = json.loads(path.read_text())
    found["scores"] = np.roll(np.array(found["scores"]), 1, axis=1).tolist()
    found["predicted"] = [(int(i) + 1) % 3 for i in found["predicted"]]
    path.write_text(json.dumps(found) + "\n")


def cut_off(path: Path) -> None:
    """Half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
