"""docs/architecture.md names every package, only files that are there, and the order that holds."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/hmrm"
TEXT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\n(.*?)```", TEXT, flags=re.DOTALL)
PROSE = re.sub(r"```\n.*?```", "", TEXT, flags=re.DOTALL)


def order_of_the_test() -> list[set[str]]:
    """The assignment of ``ORDER`` in the test that holds it."""
    tree = ast.parse((ROOT / "tests/house/test_import_order.py").read_text(encoding="utf-8"))
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ORDER"
    ]
    return [set(level) for level in ast.literal_eval(value) if level != ("__main__",)]


def test_the_order_is_that_of_the_test() -> None:
    shown = [{name.strip() for name in line.split(",")} for line in BLOCKS[1].splitlines()]
    assert shown == order_of_the_test()


def test_every_package_and_every_lone_file_has_a_row() -> None:
    rows = set(re.findall(r"^\| `([\w.]+)/?` \|", PROSE, flags=re.MULTILINE))
    packages = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    files = {path.name for path in SOURCE.glob("*.py") if path.name != "__init__.py"}
    assert rows == packages | files | {"weights"}


@pytest.mark.parametrize(
    ("page", "at_least"), [("docs/architecture.md", 60), ("CONTRIBUTING.md", 15)]
)
def test_every_file_that_is_named_is_there(page: str, at_least: int) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`([\w/.-]+(?:\.\w+|/))`", text)
    paths = [name for name in named if "/" in name and not name.startswith("..")]
    assert len(paths) >= at_least
    folders = [path for path in SOURCE.rglob("*") if path.is_dir()]
    for name in paths:
        inside = [SOURCE, ROOT, *([] if name.endswith((".py", ".csv", ".j2")) else folders)]
        assert any((folder / name).exists() for folder in inside), name


def test_every_name_in_brackets_stands_in_its_file() -> None:
    pairs = re.findall(r"`([\w/]+\.py)` \(`(\w+)`\)", PROSE)
    assert pairs
    for name, inside in pairs:
        assert re.search(rf"\b{inside}\b", (SOURCE / name).read_text(encoding="utf-8")), name
