"""Mappings to ``Any`` or ``object`` stand at the borders, in modules that are named here.

Above the borders results are records: who mistypes a key learns it from the type checker, not
from a run of an hour. Aliases count wherever they are used.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "hmrm"

MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"}
UNTYPED = {"Any", "object"}

BORDERS = {
    "records": "JSON: plain values become records here",
    "config": "TOML: tables become configs here",
    "evaluation/settings": "TOML: a model's options are that model's own",
    "model/checkpoints": "JSON: a weight card's figures depend on who trained the weights",
    "run_folder": "JSON or TOML: what decides a run is compared value by value",
    "training/registry": "TOML: a model's options are that model's own",
    "analysis/exports": "JSON: the form of analysis.json",
    "clip": "JSON: the stamp of whatever made an analysis, kept as it came",
    "analysis/results": "JSON: the form of spotting.json, and what is kept of each video",
    "evaluation/ablation/runs": "TOML: rows change single values of a base config",
}
"""Module → why it may. At most ten in the whole package."""

MOST = 10


def name_of(node: ast.expr) -> str:
    """The last part of a name, dotted or not."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def parsed(node: ast.expr) -> ast.expr:
    """An annotation that is written as a string, taken apart."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
    return node


def choices(node: ast.expr) -> Iterator[ast.expr]:
    """The types of a union, or the one type."""
    node = parsed(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from choices(node.left)
        yield from choices(node.right)
    elif isinstance(node, ast.Subscript) and name_of(node.value) in ("Union", "Optional"):
        inner = node.slice
        for one in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
            yield from choices(one)
    else:
        yield node


def is_untyped(node: ast.AST) -> bool:
    """``dict[str, Any]`` and its like."""
    if not (isinstance(node, ast.Subscript) and name_of(node.value) in MAPPINGS):
        return False
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return any(name_of(one) in UNTYPED for one in choices(arguments[-1]))


def in_type(node: ast.AST) -> Iterator[ast.AST]:
    """Every node of a type, what is written as a string in it included."""
    for one in ast.walk(node):
        yield one
        if isinstance(one, ast.expr) and parsed(one) is not one:
            yield from ast.walk(parsed(one))


def expressions(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of a module, and what annotations and casts write as strings."""
    for node in ast.walk(tree):
        yield node
        types = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.Call) and name_of(node.func) == "cast":
            types += node.args[:1]
        for one in types:
            if one is not None:
                yield from in_type(one)


def aliases(tree: ast.Module) -> set[str]:
    """Names that a module gives to something with an untyped mapping in it."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names, value = [name_of(one) for one in node.targets], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            names, value = [name_of(node.target)], node.value
        else:
            continue
        types = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.Constant)
        if isinstance(value, types) and any(
            is_untyped(one) or (isinstance(one, ast.Name) and one.id in found)
            for one in in_type(value)
        ):
            found |= set(names)
    return found


def untyped_modules(trees: dict[str, ast.Module]) -> set[str]:
    """Modules that write an untyped mapping, or use a name for one."""
    known = {f"{module}.{name}" for module, tree in trees.items() for name in aliases(tree)}
    found = set()
    for module, tree in trees.items():
        own = {name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == module}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                origin = (node.module or "").removeprefix("hmrm").strip(".").replace(".", "/")
                own |= {
                    one.asname or one.name
                    for one in node.names
                    if {f"{origin}.{one.name}", f"{origin}/__init__.{one.name}"} & known
                }
        called = {name.rpartition(".")[2] for name in known}
        if any(
            is_untyped(node)
            or (isinstance(node, ast.Name) and node.id in own)
            or (isinstance(node, ast.Attribute) and node.attr in called)
            for node in expressions(tree)
        ):
            found.add(module)
    return found


def package() -> dict[str, ast.Module]:
    return {
        path.relative_to(SOURCE).with_suffix("").as_posix(): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(SOURCE.rglob("*.py"))
    }


def test_untyped_mappings_stand_at_named_borders() -> None:
    strangers = untyped_modules(package()) - set(BORDERS)
    assert not strangers, (
        f"{sorted(strangers)} use mappings to Any or object: make a frozen record "
        "(hmrm/records.py reads and writes it), or name a border here with its reason"
    )


def test_the_list_of_borders_is_short_and_true() -> None:
    assert len(BORDERS) <= MOST
    found = untyped_modules(package())
    assert not set(BORDERS) - found, "named here, but typed by now: take it out"
    assert all(BORDERS.values())


def modules(**texts: str) -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in texts.items()}


def test_every_way_to_write_one_is_seen() -> None:
    written = {
        "a": "def f(x: dict[str, Any]) -> int: ...",
        "b": "def f(x: list[Mapping[str, object]]) -> int: ...",
        "c": "x: 'dict[str, Any] | None' = None",
        "d": "Json = dict[str, Any]",
        "e": "from hmrm.d import Json\ndef f(x: Json) -> int: ...",
        "f": "from hmrm import d\ndef f() -> d.Json: ...",
        "g": "Row = list['dict[str, typing.Any]']",
        "h": "from hmrm.g import Row as Line\nx: Line",
        "i": "y = cast('dict[str, Any]', x)",
        "j": "x: dict[str, int | Any]",
        "k": "Outer = Json | None\nJson = 1",
        "l": "Json: TypeAlias = Mapping[str, Any]",
        "m": "class A:\n    x: MutableMapping[str, Any]",
    }
    assert untyped_modules(modules(**written)) == set(written) - {"k"}


def test_typed_mappings_are_left_alone() -> None:
    fine = {
        "a": "def f(x: dict[str, float], y: Any, z: object) -> tuple[Any, ...]: ...",
        "b": "x: dict[Any, int]",
        "c": "x: dict[str, Callable[[int], Any]]",
        "d": '"""Not a type: dict[str, Any]."""',
    }
    assert untyped_modules(modules(**fine)) == set()
