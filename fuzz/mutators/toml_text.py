"""Damage to TOML that keeps it TOML, or nearly."""

import tomllib
from random import Random
from typing import Any

import tomli_w

from fuzz.mutators import hostile

_MARK = "@@hostile@@"
_SIMPLE = (
    *("true", "-1", "0", "1.5", "nan", "inf", '""', "[]", "{}", "[[]]", "[1]", "{a = 1}"),
    *("1979-05-27", "07:32:00", "1e308", "0xff", "[1, 'a']", "[{a = 1}, {b = 2}]"),
)
_CODE = (
    f'name = "{hostile.SENTINEL_MODULE}:factory"',
    'name = "os:system"\ncommand = "touch config-ran-code"',
    'name = "os:mkdir"\npath = "config-ran-code"',
    f'name = "{hostile.SENTINEL_MODULE}"',
    'name = ":"',
    'name = "a.b:c:d"',
    'name = "..:x"',
)


def value_text(rng: Random) -> str:
    """A TOML value of any type and size, as text."""
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(_SIMPLE)
    if kind < 0.75:
        return '"' + hostile.text(rng).encode("unicode_escape").decode().replace('"', '\\"') + '"'
    return rng.choice(
        (
            "9" * 5000,
            "-" + "9" * 25,
            "0x" + "f" * 5000,
            "1." + "0" * 5000,
            '"' + "x" * 1_000_000 + '"',
            "[" + "0," * 100_000 + "0]",
            hostile.deep("[", "]", rng),
            hostile.deep("{a = ", "}", rng, inside="0"),
        )
    )


def replace_value(content: bytes, rng: Random) -> bytes:
    """Another type or an extreme value in one place."""
    return _changed(content, rng, lambda table, key: table.__setitem__(key, _MARK))


def remove_value(content: bytes, rng: Random) -> bytes:
    """A key is missing."""
    return _changed(content, rng, lambda table, key: table.__delitem__(key))


def rename_key(content: bytes, rng: Random) -> bytes:
    """A key under another name."""
    return _changed(content, rng, lambda table, key: table.__setitem__(f"{key}x", table.pop(key)))


def add_value(content: bytes, rng: Random) -> bytes:
    """A key too many."""
    name = rng.choice(("x", "name", "model", "network", "epochs", "seeds", "folds", "[/b]", ""))
    return _changed(content, rng, lambda table, _: table.__setitem__(name, _MARK))


def name_code(content: bytes, rng: Random) -> bytes:
    """The model is a name of somebody's code."""
    text = content.decode("utf-8", "replace")
    lines = [line for line in text.split("\n") if not line.strip().startswith("name")]
    tables = [i for i, line in enumerate(lines) if line.startswith("[")]
    place = rng.choice(tables) + 1 if tables else 0
    lines.insert(place, rng.choice(_CODE))
    return "\n".join(lines).encode()


def lines(content: bytes, rng: Random) -> bytes:
    """A line twice, out of its place, or of a kind that does not belong there."""
    parts = content.split(b"\n")
    place = rng.randrange(len(parts))
    deep_keys = b".".join([b"a"] * rng.choice((100, 2_000, 50_000)))
    new = rng.choice(
        (
            parts[place],
            b"[model]",
            b"[[model]]",
            b"model = 3",
            b"[" + deep_keys + b"]",
            deep_keys + b" = 1",
            b"\xff\xfe = 1",
            b'"" = 1',
            b"a = = 1",
            b"a = '''",
            b"=",
            b"\0",
            b"[a]\n" * 20_000,
        )
    )
    parts.insert(place, new)
    return b"\n".join(parts)


def _changed(content: bytes, rng: Random, change: Any) -> bytes:
    try:
        document = tomllib.loads(content.decode())
        places = _places(document)
        if not places:
            return value_text(rng).encode()
        change(*rng.choice(places))
        text = tomli_w.dumps(document)
    except (ValueError, TypeError, RecursionError):
        return lines(content, rng)
    return text.replace(f'"{_MARK}"', value_text(rng)).encode("utf-8", "replace")


def _places(table: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    if depth > 20 or not isinstance(table, dict | list):
        return []
    keys = list(table) if isinstance(table, dict) else []
    inner = table.values() if isinstance(table, dict) else table
    return [(table, key) for key in keys] + [p for node in inner for p in _places(node, depth + 1)]


MUTATORS = (
    replace_value,
    replace_value,
    replace_value,
    remove_value,
    rename_key,
    add_value,
    name_code,
    name_code,
    lines,
)
