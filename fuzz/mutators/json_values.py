"""Damage to JSON that keeps it JSON, or nearly."""

import json
import re
from functools import partial
from random import Random
from typing import Any

from fuzz.mutators import hostile, nested


def value_text(rng: Random) -> str:
    """A JSON value of any type and size, as text."""
    simple = ("null", "true", "-1", "0", "1.5", "1e400", "NaN", "-Infinity", '""', "[]", "{}")
    nested = ("[[]]", "[1]", '{"a": 1}', '[null, {"a": []}]', '"\\ud800"', "99999999999999999999")
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(simple + nested)
    if kind < 0.8:
        return json.dumps(hostile.text(rng))
    return rng.choice(
        (
            "9" * 5000,
            '"' + "x" * 1_000_000 + '"',
            "[" + "0," * 200_000 + "0]",
            hostile.deep("[", "]", rng),
            hostile.deep('{"a":', "}", rng, inside="0"),
        )
    )


def replace_value(content: bytes, rng: Random) -> bytes:
    """Another type or an extreme value in one place."""
    return _JSON.changed(content, rng, nested.replace)


def remove_value(content: bytes, rng: Random) -> bytes:
    """A key or a list's element is missing."""
    return _JSON.changed(content, rng, nested.remove)


def add_value(content: bytes, rng: Random) -> bytes:
    """A key too many, or a list too long."""

    def add(parent: Any, key: Any) -> None:
        if isinstance(parent, list):
            parent.insert(key, nested.MARK)
        else:
            parent[hostile.text(rng)[:1000]] = nested.MARK

    return _JSON.changed(content, rng, add)


def rename_key(content: bytes, rng: Random) -> bytes:
    """A key under another name."""
    return _JSON.changed(content, rng, nested.rename)


def repeat_element(content: bytes, rng: Random) -> bytes:
    """A value where a list of it belongs, or twice in its list."""

    def repeat(parent: Any, key: Any) -> None:
        if isinstance(parent, list):
            parent.insert(key, parent[key])
        else:
            parent[key] = [parent[key]]

    return _JSON.changed(content, rng, repeat)


def duplicate_key(content: bytes, rng: Random) -> bytes:
    """A key twice, with another value."""
    text = content.decode("utf-8", "replace")
    keys = [match.start() for match in re.finditer(r'"[^"\\]*"\s*:', text)]
    if not keys:
        return content
    start = rng.choice(keys)
    key = text[start : text.index(":", start) + 1]
    return nested.encoded(text[:start] + f"{key} {value_text(rng)}, " + text[start:])


def whole(content: bytes, rng: Random) -> bytes:
    """Another document: a bare value, two documents, a comment, single quotes, a mark."""
    text = content.decode("utf-8", "replace")
    return nested.encoded(
        rng.choice(
            (
                value_text(rng),
                text + text,
                f"// comment\n{text}",
                text.replace('"', "'"),
                f"\ufeff{text}",
                text.rstrip()[:-1],
                text.replace(":", ": ,", 1),
            )
        )
    )


def line_by_line(content: bytes, rng: Random) -> bytes:
    """One line of a file of JSON lines, damaged by any of the others."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    lines[place] = rng.choice(MUTATORS)(lines[place] or b"{}", rng).replace(b"\n", b" ")
    if rng.random() < 0.2:
        lines.insert(place, rng.choice((b"", b" ", b"[]", b"3", b"\xff", b'"text"')))
    return b"\n".join(lines)


_JSON = nested.Language(
    parse=json.loads,
    write=partial(json.dumps, ensure_ascii=False),
    value_text=value_text,
    otherwise=whole,
)
MUTATORS = (
    replace_value,
    replace_value,
    replace_value,
    remove_value,
    add_value,
    rename_key,
    repeat_element,
    duplicate_key,
    whole,
)
