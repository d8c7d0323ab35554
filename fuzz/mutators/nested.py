"""Damage to nested tables and lists in one place, whatever language they are written in."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

MARK = "@@hostile@@"
"""A string value that a hostile one replaces once the document is text."""

Change = Callable[[Any, Any], None]
"""Changes a container, a dict or a list, at one of its keys."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """How nested values are written.

    Attributes:
        parse: raises ValueError where it cannot.
        write: raises ValueError or TypeError where it cannot.
        value_text: a hostile value as text.
        otherwise: damage to a file that cannot be parsed, changed or written, or is empty.
    """

    parse: Callable[[bytes], Any]
    write: Callable[[Any], str]
    value_text: Callable[[Random], str]
    otherwise: Callable[[bytes, Random], bytes]

    def changed(self, content: bytes, rng: Random, change: Change) -> bytes:
        """The file with one place of its document changed."""
        try:
            document = self.parse(content)
            places = _places(document)
            if not places:
                return self.otherwise(content, rng)
            change(*rng.choice(places[rng.choice(list(places))]))
            text = self.write(document)
        except (ValueError, TypeError, RecursionError, MemoryError):
            return self.otherwise(content, rng)
        return encoded(text.replace(f'"{MARK}"', self.value_text(rng)))


def replace(parent: Any, key: Any) -> None:
    """Another type or an extreme value."""
    parent[key] = MARK


def remove(parent: Any, key: Any) -> None:
    """A key or a list's element is missing."""
    del parent[key]


def rename(parent: Any, key: Any) -> None:
    """A key under another name; a list's element is nothing."""
    if isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    else:
        parent[key] = None


def encoded(text: str) -> bytes:
    """UTF-8 in which a half of a surrogate pair stays what it is."""
    return text.encode("utf-8", "surrogatepass")


def _places(document: Any) -> dict[str, list[tuple[Any, Any]]]:
    """Every place as container and key, by path without positions: long lists count once."""
    found: dict[str, list[tuple[Any, Any]]] = {}
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    while waiting:
        path, node, depth = waiting.pop()
        if depth > 50 or not isinstance(node, dict | list):
            continue
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in list(items)[:300]:
            inner = f"{path}/{key}" if isinstance(node, dict) else f"{path}/*"
            found.setdefault(inner, []).append((node, key))
            waiting.append((inner, value, depth + 1))
    return found
