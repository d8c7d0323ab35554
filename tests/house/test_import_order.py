"""Imports follow the data and never run back."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "hmrm"

ORDER = (
    ("clip", "errors"),
    ("limits",),
    ("reading",),
    (
        "arrays",
        "image_size",
        "config",
        "records",
        "atomic",
        "file_lock",
        "csv_cells",
        "progress",
        "parallel",
        "memory",
        "engine",
        "shard",
        "provenance",
        "run_folder",
        "onnx_format",
        "tensor_file",
    ),
    ("dnn",),
    ("intervals", "subject_folds"),
    ("faces",),
    ("video", "facs"),
    ("flow",),
    ("spotting", "datasets", "model"),
    ("synthetic",),
    ("training",),
    ("evaluation",),
    ("analysis",),
    ("deploy",),
    ("web",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
BASE = {room for rooms in ORDER[:5] for room in rooms}
VIDEO_BRANCH = {"spotting", "analysis", "web"}
DATA_SET_BRANCH = {"datasets", "synthetic", "training", "evaluation"}
"""A video goes up one branch, a data set the other; networks serve both."""

FILES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            parts = (node.module or "").split(".")
            if parts[0] == "hmrm":
                rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("hmrm.")}
    return rooms


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_never_run_back(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in RANK, f"{path}: a room that the order does not know"
    others = imported_rooms(path) - {room}
    backwards = {other for other in others if RANK.get(other, -1) > RANK[room]}
    assert not backwards, f"{path.name} ({room}) imports {sorted(backwards)}, which come later"
    level = {other for other in others - BASE if RANK.get(other) == RANK[room]}
    assert not level, f"{path.name} ({room}) imports {sorted(level)}, which stand beside it"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_the_two_branches_meet_only_in_the_commands(path: Path) -> None:
    room, others = room_of(path), imported_rooms(path)
    if room in DATA_SET_BRANCH | {"model"}:
        assert not others & VIDEO_BRANCH, f"{path.name} ({room}) imports the video branch"
    if room in VIDEO_BRANCH:
        assert not others & DATA_SET_BRANCH, f"{path.name} ({room}) imports the data-set branch"


def code_lines(function: ast.FunctionDef, *, signature: bool) -> int:
    """Lines of a function without its docstring; a command's options are its documentation too."""
    assert function.end_lineno is not None
    first, start = function.body[0], function.lineno
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    assert first.end_lineno is not None
    docstring = first.end_lineno - first.lineno + 1 if documented else 0
    start = start if signature else first.lineno
    return function.end_lineno - start + 1 - docstring


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert code_lines(node, signature=room_of(path) != "cli") <= 50, node.name
