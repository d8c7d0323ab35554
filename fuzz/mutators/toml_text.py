"""Damage to TOML that keeps it TOML, or nearly."""

import tomllib
from random import Random
from typing import Any

import tomli_w

from fuzz.mutators import hostile, nested

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
    return _TOML.changed(content, rng, nested.replace)


def remove_value(content: bytes, rng: Random) -> bytes:
    """A key is missing."""
    return _TOML.changed(content, rng, nested.remove)


def rename_key(content: bytes, rng: Random) -> bytes:
    """A key under another name."""
    return _TOML.changed(content, rng, nested.rename)


def add_value(content: bytes, rng: Random) -> bytes:
    """A key too many."""
    name = rng.choice(("x", "name", "model", "network", "epochs", "seeds", "folds", "[/b]", ""))

    def add(parent: Any, key: Any) -> None:
        if isinstance(parent, list):
            parent.insert(key, nested.MARK)
        else:
            parent[name] = nested.MARK

    return _TOML.changed(content, rng, add)


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


def _parsed(content: bytes) -> Any:
    return tomllib.loads(content.decode())


_TOML = nested.Language(parse=_parsed, write=tomli_w.dumps, value_text=value_text, otherwise=lines)
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
