"""What nothing but tests uses is wired, moved to the tests or deleted.

A name counts as used where a chain of uses leads to it from something a user can reach: a command,
`hmrm.__all__`, an example, a benchmark, a tool, a code block of README or docs. What is
used by unused code alone is unused too. Entries of registries count, since they stand in a dict
that is used; so does a class that is named by a string, as lazy registries do. A method counts as
used where code, a template or a page takes an attribute of its name, from whatever object; those
of public classes are for users, and torch calls ``forward``.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src"
OTHER_CODE = ("benchmarks", "examples", "tools")
PAGES = ("README.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md"))))

CALLED_FROM_OUTSIDE = {"hmrm.cli.terminal.Terminal.on_broken_pipe": "rich calls it"}
"""Methods that a library calls, each with its reason."""

Definition = tuple[str, str]
"""Dotted module and name."""


@dataclass(kw_only=True)
class Module:
    """One file.

    Attributes:
        name: dotted.
        uses: top-level name → what its definition uses.
        imports: name in this file → where it comes from; also imports inside of functions.
        runs: what is used by importing the file, commands included.
        methods: class → its public methods.
        attributes: every attribute that is taken of anything.
    """

    name: str
    uses: dict[str, set[Definition]] = field(default_factory=dict)
    imports: dict[str, Definition] = field(default_factory=dict)
    runs: set[Definition] = field(default_factory=set)
    methods: dict[str, set[str]] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)


def module_name(path: Path) -> str:
    base = PACKAGE if path.is_relative_to(PACKAGE) else ROOT
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read(name: str, text: str) -> Module:
    """One file; names are those that its own text gives to what it uses."""
    module, tree = Module(name=name), ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module.imports |= {a.asname or a.name: (node.module or "", a.name) for a in node.names}
        elif isinstance(node, ast.Import):
            module.imports |= {a.asname: (a.name, "") for a in node.names if a.asname}
        elif isinstance(node, ast.Attribute):
            module.attributes.add(node.attr)
    for statement in top_level(tree.body):
        if isinstance(statement, ast.ClassDef):
            names = {f.name for f in statement.body if isinstance(f, ast.FunctionDef)}
            module.methods[statement.name] = {name for name in names if name[0] != "_"}
        used = set(uses_in(statement, name))
        defined = names_of(statement)
        for one in defined:
            module.uses.setdefault(one, set()).update(used - {(name, one)})
        if not defined or is_command(statement):
            module.runs |= used | {(name, one) for one in defined}
    return module


def top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            yield from top_level(statement.body)
            for handler in getattr(statement, "handlers", ()):
                yield from top_level(handler.body)
            yield from top_level(getattr(statement, "orelse", ()))
        elif not isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield statement


def names_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [
        node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)
    ]


def is_command(statement: ast.stmt) -> bool:
    """Registered by a decorator: ``@app.command(...)``, ``@app.callback(...)``."""
    if not isinstance(statement, ast.FunctionDef):
        return False
    called = [d.func for d in statement.decorator_list if isinstance(d, ast.Call)]
    return any(isinstance(f, ast.Attribute) and f.attr in ("command", "callback") for f in called)


def uses_in(statement: ast.stmt, module: str) -> Iterator[Definition]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield module, node.id
        elif isinstance(node, ast.Attribute):
            yield f"{module}:{dotted(node.value)}", node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A class named by a string, alone or as "package.module:Name".
            match = re.fullmatch(r"(?:[\w.]+:)?([A-Z]\w*[a-z]\w*)", node.value)
            if match:
                yield "", match[1]


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@cache
def modules() -> dict[str, Module]:
    paths = [
        path
        for folder in (PACKAGE / "hmrm", *(ROOT / name for name in OTHER_CODE))
        for path in sorted(folder.rglob("*.py"))
    ]
    found = {module_name(p): read(module_name(p), p.read_text(encoding="utf-8")) for p in paths}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
        for number, block in enumerate(blocks):
            found[f"{page}#{number}"] = read(f"{page}#{number}", block)
    return found


def resolved(use: Definition) -> list[Definition]:
    """Where the thing is defined that a module calls so; empty for what is not ours."""
    where, name = use
    if not where:
        return [(m.name, name) for m in modules().values() if name in m.uses]
    where, _, through = where.partition(":")
    if through or use[0].endswith(":"):
        target = module_behind(where, through)
        return resolved((target, name)) if target in modules() else []
    module = modules().get(where)
    if module is None:
        return []
    if name in module.uses:
        return [(where, name)]
    origin = module.imports.get(name)
    return resolved(origin) if origin is not None else []


def module_behind(module: str, name: str) -> str:
    """The module that ``name`` stands for in ``module``: imported so, or written in full."""
    first, _, rest = name.partition(".")
    package, imported = modules()[module].imports.get(first, ("", ""))
    return ".".join(part for part in (package, imported, rest) if part) if package else name


def reached() -> set[Definition]:
    start = set(modules()["hmrm.cli.main"].uses["main"]) | {("hmrm.cli.main", "main")}
    public = modules()["hmrm"].imports
    start |= {public[name] for name in public_names()}
    for name, module in modules().items():
        start |= module.runs
        if not name.startswith("hmrm"):
            start |= {use for uses in module.uses.values() for use in uses}
    seen: set[Definition] = set()
    waiting = [target for use in start for target in resolved(use)]
    while waiting:
        where, name = current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += [t for use in modules()[where].uses[name] for t in resolved(use)]
    return seen


def public_names() -> list[str]:
    import hmrm

    return list(hmrm.__all__)


def taken_attributes() -> set[str]:
    """Names of attributes that code outside of the tests, a template or a page takes."""
    texts = [p.read_text(encoding="utf-8") for p in sorted(PACKAGE.rglob("*.j2"))]
    texts += [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    taken = {"forward"} | {name for text in texts for name in re.findall(r"\.(\w+)", text)}
    return taken.union(*(module.attributes for module in modules().values()))


def unused() -> set[str]:
    used, taken = reached(), taken_attributes()
    found = set()
    for module in modules().values():
        if module.name.startswith("hmrm"):
            names = {name for name in module.uses if (module.name, name) not in used}
            names |= {
                f"{owner}.{method}"
                for owner, methods in module.methods.items()
                for method in methods - taken
                if owner not in public_names() and owner not in names
            }
            found |= {f"{module.name}.{name}" for name in names if name[0] != "_"}
    return found


def test_nothing_public_serves_its_own_tests_alone() -> None:
    surplus = sorted(unused() - set(CALLED_FROM_OUTSIDE))
    assert not surplus, f"used by tests alone: {surplus}; wire them, or move or delete them"


def test_the_reading_itself() -> None:
    """A use through an alias of a module, of a name, inside of a function; a recursion is none."""
    module = read(
        "hmrm.x",
        "from hmrm import provenance as stamps\n"
        "from hmrm.flow.strain import optical_strain as strain\n"
        "def alone(n):\n    return alone(n - 1)\n"
        "def both(flow):\n    return strain(flow), stamps.stamp()\n"
        "TABLE = {'a': both, 'b': 'hmrm.model:StstNet'}\n",
    )
    assert module.uses["alone"] == {("hmrm.x", "n")}
    assert {("hmrm.x", "strain"), ("hmrm.x:stamps", "stamp")} <= module.uses["both"]
    assert module.uses["TABLE"] == {("hmrm.x", "both"), ("", "StstNet")}
    modules()["hmrm.x"] = module
    try:
        assert resolved(("hmrm.x", "strain")) == [("hmrm.flow.strain", "optical_strain")]
        assert resolved(("hmrm.x:stamps", "stamp")) == [("hmrm.provenance", "stamp")]
    finally:
        del modules()["hmrm.x"]
