"""Where the code still uses a word that ``words.toml`` replaces.

Names are compared part by part (``draw_maps`` and ``DrawMaps`` are *draw*, *maps*), prose as whole
words. A rule looks at some of these scopes:

* ``identifiers``: names, attributes, arguments, functions, classes, modules that are imported;
* ``keys``: strings without blanks (JSON keys, choices, file names) and keys of ``configs/*.toml``;
* ``files``: names of files and folders;
* ``help``: what the commands say; ``errors``: what is raised, noticed or skipped;
* ``reports``: all other sentences in strings, and templates; ``comments``: docstrings and comments;
* ``pages``: documents that a command writes.
"""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORDS = Path(__file__).with_name("words.toml")
CODE = ("src/hmrm", "benchmarks", "examples", "tools")
NAMES = ("identifiers", "keys", "files")
PROSE = ("help", "errors", "reports", "comments", "pages")

_MESSAGES = re.compile(r".*(Error|Warning|Notice|Issue|Skip|warn)")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One word of the old dialect.

    Attributes:
        word: what it is called here.
        instead: what to write.
        parts: neighbouring parts of a name, e.g. ``left_out``.
        names: whole names, leading underscores aside.
        phrases: regular expressions of whole words, case aside; a blank is any white space.
        allowed: regular expressions; a name that one matches as a whole, and prose that lies inside
            of a match, is right.
        paths: beginnings of paths that the rule is for; empty for all.
        scopes: where it holds.
        kept: ``path: text`` of single places where it stands on purpose.
    """

    word: str
    instead: str
    parts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    scopes: tuple[str, ...] = (*NAMES, *PROSE)
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A name or a passage of prose, and where it stands; ``last_line`` 0 where it is not known."""

    path: str
    line: int
    scope: str
    text: str
    last_line: int = 0


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A word that a rule replaces."""

    path: str
    line: int
    scope: str
    text: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.scope}: {self.text} → {self.rule.instead}"


@cache
def table() -> Mapping[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def rules() -> list[Rule]:
    return [
        Rule(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in row.items()
            }
        )
        for row in table()["word"]
    ]


def violations(rule: Rule, found: Sequence[Found]) -> list[Violation]:
    """Every place where ``found`` breaks ``rule``."""
    names, phrases = _names_pattern(rule), _any_of(rule.phrases)
    allowed_names = [re.compile(pattern) for pattern in rule.allowed]
    allowed = _any_of(rule.allowed)
    broken_names: dict[str, bool] = {}
    broken = []
    for one in found:
        if one.scope not in rule.scopes or not one.path.startswith(rule.paths or ""):
            continue
        if one.scope in PROSE:
            hits = list(_in_prose(phrases, allowed, one))
        else:
            bare = one.text.lstrip("_")
            if bare not in broken_names:
                right = any(pattern.fullmatch(bare) for pattern in allowed_names)
                broken_names[bare] = not right and bool(names.search(_spelled(bare)))
            hits = [(one.line, one.text)] if broken_names[bare] else []
        broken += [
            Violation(path=one.path, line=line, scope=one.scope, text=text, rule=rule)
            for line, text in hits
            if f"{one.path}: {text}" not in rule.kept
        ]
    return broken


def _names_pattern(rule: Rule) -> re.Pattern[str]:
    """Finds in what `_spelled` gives."""
    parts = [f"_(?:{'|'.join(map(re.escape, rule.parts))})_"] if rule.parts else []
    names = [f"^{re.escape(name)}:" for name in rule.names]
    return re.compile("|".join([*parts, *names]) or r"(?!)")


@cache
def _spelled(name: str) -> str:
    """The name, a colon, its parts: ``FakeClips:_fake_clips_``, ``looks.jsonl:_looks_jsonl_``."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return f"{name}:_{'_'.join(parts).lower()}_"


@cache
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    whole = "|".join(phrases).replace(" ", r"\s+(?:#\s*)?")
    return re.compile(rf"\b(?:{whole})\b" if phrases else r"(?!)", re.IGNORECASE)


def _in_prose(
    phrases: re.Pattern[str], allowed: re.Pattern[str], one: Found
) -> Iterator[tuple[int, str]]:
    right: list[tuple[int, int]] | None = None
    for hit in phrases.finditer(one.text):
        right = [m.span() for m in allowed.finditer(one.text)] if right is None else right
        if not any(start <= hit.start() and hit.end() <= end for start, end in right):
            line = one.line + one.text.count("\n", 0, hit.start())
            yield min(line, one.last_line or line), " ".join(hit[0].split())


@cache
def everything() -> tuple[Found, ...]:
    """All names and all prose that rules look at."""
    found: list[Found] = []
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".py":
                found += in_python(path.read_text(encoding="utf-8"), _short(path))
            elif path.suffix == ".j2":
                text = path.read_text(encoding="utf-8")
                found.append(Found(path=_short(path), line=1, scope="reports", text=text))
            elif path.name.endswith(".schema.json"):
                found += _in_schema(path)
            if path.suffix in (".py", ".csv", ".json", ".j2") or path.is_dir():
                found.append(Found(path=_short(path), line=0, scope="files", text=path.stem))
    for path in sorted((ROOT / "configs").glob("*.toml")):
        found.append(Found(path=_short(path), line=0, scope="files", text=path.stem))
        found += _in_config(path)
    for name in table()["pages"]:
        text = (ROOT / name).read_text(encoding="utf-8")
        found.append(Found(path=name, line=1, scope="pages", text=text))
    return tuple(found)


def _short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _in_schema(path: Path) -> Iterator[Found]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for key in re.findall(r'"(\w+)":', line):
            yield Found(path=_short(path), line=number, scope="keys", text=key)


def _in_config(path: Path) -> Iterator[Found]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        key = re.match(r"\[*([\w.-]+)(?:\]| *=)", line)
        if key:
            yield Found(path=_short(path), line=number, scope="keys", text=key[1])
        elif line.startswith("#"):
            yield Found(path=_short(path), line=number, scope="comments", text=line)


def in_python(text: str, path: str) -> Iterator[Found]:
    """Names, strings and comments of one file."""
    tree = ast.parse(text)
    documented, raised, inner = _kinds_of_strings(tree)
    former = _former_keys(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for name in _names(node):
            yield Found(path=path, line=line, scope="identifiers", text=name)
        string = None if id(node) in inner | former else _string(node)
        if string is not None:
            scope = _scope(
                string, path, documented=id(node) in documented, raised=id(node) in raised
            )
            last = getattr(node, "end_lineno", 0)
            yield Found(path=path, line=line, scope=scope, text=string, last_line=last)
    yield from _comments(text, path)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.arg, ast.keyword)):
        yield node.arg or ""
    elif isinstance(node, ast.ImportFrom):
        yield from (node.module or "").split(".")
        for alias in node.names:
            yield from (alias.name, alias.asname or "")


def _string(node: ast.AST) -> str | None:
    """The text of a string; what an f-string puts in stands as a pair of braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return None


def _scope(text: str, path: str, *, documented: bool, raised: bool) -> str:
    if documented:
        return "help" if path.startswith("src/hmrm/cli/") else "comments"
    if not re.search(r"\s", text.strip()):
        return "keys"
    if raised:
        return "errors"
    return "help" if path.startswith("src/hmrm/cli/") else "reports"


def _kinds_of_strings(tree: ast.AST) -> tuple[set[int], set[int], set[int]]:
    """Nodes that are docstrings, in what is raised or noticed, or do not count by themselves."""
    documented, raised, inner = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documented.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            inner |= {id(value) for value in node.values if isinstance(value, ast.Constant)}
        elif isinstance(node, ast.Raise) or (
            isinstance(node, ast.Call) and _MESSAGES.fullmatch(next(_names(node.func), ""))
        ):
            raised |= {id(child) for child in ast.walk(node)}
    return documented, raised, inner


def _former_keys(tree: ast.AST) -> set[int]:
    """Nodes of keys and values that are still read: ``formerly("old")``, ``values_formerly``."""
    return {
        id(key)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and {"formerly", "values_formerly"} & {*_names(node.func)}
        for argument in node.args
        for key in ast.walk(argument)
    }


def _comments(text: str, path: str) -> Iterator[Found]:
    """Comments; neighbouring lines are one passage."""
    lines = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    first = None
    for number in sorted(lines):
        first = number if first is None or number - 1 not in lines else first
        if number + 1 not in lines:
            passage = "\n".join(lines[n] for n in range(first, number + 1))
            yield Found(path=path, line=first, scope="comments", text=passage)
            first = None
