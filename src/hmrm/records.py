"""Frozen records to plain values and back: the border between typed code and JSON or TOML.

A record is a frozen dataclass. Its fields are the keys, in their order; what a field may hold is
read off its annotation: scalars, ``None``, ``Literal``, tuples, mappings and other records.

- A field whose default is ``None`` is not written where it is ``None``; without a default it is
  written as ``null``. `Absent` is for the field that may be ``null`` or not be there at all.
- `INLINE` writes a record's keys, or a mapping's, among those of the record that holds it.
- `formerly` names the key that a field had before, `values_formerly` the values; both are read.
- `NOT_WRITTEN` keeps a field out of the file.
- A class attribute ``WRITTEN_TOO`` names properties that are written after the fields.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from hmrm import atomic, reading
from hmrm.errors import ConfigError, DataError, HmrmError, shortened

R = TypeVar("R")

INLINE: Mapping[str, str] = {"json": "inline"}
NOT_WRITTEN: Mapping[str, str] = {"json": "not written"}


def formerly(name: str) -> Mapping[str, str]:
    """Metadata of a field that was called ``name``: files with the old key are still read."""
    return {"formerly": name}


def values_formerly(old: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """Metadata of a field whose values had other names: old → new; files with old ones are read."""
    return {"values formerly": old}


class Absent(Enum):
    """The value of a field that is not in the file, where ``null`` means something else."""

    ABSENT = "absent"


def to_json(value: Any) -> Any:
    """Plain values of a record, or of a mapping or sequence of records, ready for ``json``.

    Example:
        >>> from dataclasses import dataclass
        >>> from hmrm.records import from_json, to_json
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Score:
        ...     mean: float
        ...     by_seed: tuple[float, ...]
        >>> to_json(Score(mean=0.5, by_seed=(0.4, 0.6)))
        {'mean': 0.5, 'by_seed': [0.4, 0.6]}
        >>> from_json(Score, {"mean": 0.5, "by_seed": [0.4, 0.6]}, where="run.json").by_seed
        (0.4, 0.6)
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if dataclasses.is_dataclass(value):
        return dict(_written(value))
    if isinstance(value, Mapping):
        return {key: to_json(one) for key, one in value.items()}
    assert isinstance(value, list | tuple), f"{type(value).__name__} has no plain form"
    return [to_json(one) for one in value]


def _written(record: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(record):
        value, kind = getattr(record, field.name), field.metadata.get("json")
        default = field.default is None or isinstance(field.default, Absent)
        if kind == "not written" or (default and value is field.default):
            continue
        if kind == "inline":
            yield from () if value is None else to_json(value).items()
        else:
            yield field.name, to_json(value)
    for name in getattr(type(record), "WRITTEN_TOO", ()):
        yield name, to_json(getattr(record, name))


def dumps(value: Any, *, indent: int | None = 1) -> str:
    """`to_json` as text that ends in a newline."""
    return json.dumps(to_json(value), indent=indent, ensure_ascii=False) + "\n"


def write(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write a record as a JSON file, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_text(path, dumps(value, indent=indent))


def read(cls: type[R], path: Path) -> R:
    """Read a JSON file as the record ``cls``; keys that it does not know are passed over.

    Raises:
        DataError: no such file, not JSON, a key missing or of another type; names file and key.
    """
    try:
        table = reading.read_json(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except reading.DamagedError as error:
        raise DataError(f"{path}: damaged ({error}); delete it and make it again") from error
    return from_json(cls, table, where=str(path))


def loads(cls: type[R], text: str, *, where: str) -> R:
    """Read JSON text as the record ``cls``; ``where`` it stands is named in messages.

    Raises:
        DataError: see `read`.
    """
    try:
        table = reading.parse_json(text)
    except reading.DamagedError as error:
        raise DataError(f"{where}: damaged ({error}); delete it and make it again") from error
    return from_json(cls, table, where=where)


def from_json(
    cls: type[R],
    table: Any,
    *,
    where: str,
    strict: bool = False,
    error: type[HmrmError] = DataError,
) -> R:
    """Build the record ``cls`` from plain nested values.

    Args:
        where: file, and key where it is known: every message begins with it.
        strict: refuse keys that ``cls`` does not know, as a config must; a result that a later
            version wrote stays readable.
        error: what is raised.

    Raises:
        HmrmError: as ``error``: a key missing, unknown or of another type, or a value ``cls``
            refuses.
    """
    return typing.cast(R, _Reader(error=error, strict=strict).record(cls, table, where))


@lru_cache
def _hints(cls: type) -> Mapping[str, Any]:
    return typing.get_type_hints(cls)


def _inline(cls: type) -> tuple[str, ...]:
    fields = dataclasses.fields(typing.cast(Any, cls))
    return tuple(f.name for f in fields if f.metadata.get("json") == "inline")


def _with_new_names(
    fields: Iterable["dataclasses.Field[Any]"], table: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The table, its old keys under their new names."""
    new = {f.metadata["formerly"]: f.name for f in fields if "formerly" in f.metadata}
    return {new.get(key, key): value for key, value in table.items()} if new else table


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Plain values to what an annotation says they are."""

    error: type[HmrmError]
    strict: bool

    def record(self, cls: type, table: Any, where: str) -> Any:
        if not isinstance(table, Mapping):
            raise self.error(f"{where}: expected a table, got {shortened(table)}")
        fields = {f.name: f for f in dataclasses.fields(typing.cast(Any, cls))}
        inline = _inline(cls)
        table = _with_new_names(fields.values(), table)
        unknown = [key for key in table if key not in fields or key in inline]
        if self.strict and unknown and not inline:
            raise self.error(
                f"{where}: unknown key {shortened(min(unknown))}; {cls.__name__} knows "
                f"{', '.join(fields)}"
            )
        values = {}
        for name, field in fields.items():
            hint = _hints(cls)[name]
            if name in inline:
                values[name] = self.inline(hint, {k: table[k] for k in unknown}, where)
            elif name in table:
                given = table[name]
                if isinstance(given, str):
                    given = field.metadata.get("values formerly", {}).get(given, given)
                values[name] = self.value(hint, given, f"{where}: {name}")
            elif field.default is field.default_factory is dataclasses.MISSING:
                raise self.error(f"{where}: has no {name!r}")
        try:
            return cls(**values)
        except (TypeError, ValueError, ConfigError) as error:
            raise self.error(f"{where}: {error}") from error

    def inline(self, hint: Any, rest: Mapping[str, Any], where: str) -> Any:
        """A record or mapping whose keys stand among those of another: ``rest``."""
        if type(None) in typing.get_args(hint) and not rest:
            return None
        return self.value(hint, rest, where)

    def value(self, hint: Any, value: Any, where: str) -> Any:
        if hint is Any:
            return value
        if dataclasses.is_dataclass(hint):
            return self.record(typing.cast(type, hint), value, where)
        origin, choices = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self.first(choices, value, where)
        if origin is tuple:
            return self.sequence(choices, value, where)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return self.mapping(choices, value, where)
        if origin is typing.Literal:
            if value not in choices:
                names = ", ".join(map(repr, choices))
                raise self.error(f"{where}: expected one of {names}, got {shortened(value)}")
            return value
        return self.scalar(hint, value, where)

    def sequence(self, hints: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise self.error(f"{where}: expected a list, got {shortened(value)}")
        if len(hints) == 2 and hints[1] is Ellipsis:
            if all(type(one) is hints[0] for one in value):
                return tuple(value)
            return tuple(self.value(hints[0], one, where) for one in value)
        if len(hints) != len(value):
            raise self.error(f"{where}: expected {len(hints)} values, got {len(value)}")
        return tuple(self.value(h, one, where) for h, one in zip(hints, value, strict=True))

    def mapping(self, hints: tuple[Any, ...], value: Any, where: str) -> Any:
        if not isinstance(value, Mapping):
            raise self.error(f"{where}: expected a table, got {shortened(value)}")
        return {
            self.value(hints[0], key, where): self.value(hints[1], one, f"{where}: {str(key)[:80]}")
            for key, one in value.items()
        }

    def scalar(self, hint: Any, value: Any, where: str) -> Any:
        if hint is float and type(value) is int:
            return float(value)
        if hint is Path and isinstance(value, str):
            return Path(value)
        if isinstance(hint, type) and type(value) is hint:
            return value
        raise self.error(
            f"{where}: expected {getattr(hint, '__name__', hint)}, got {shortened(value)}"
        )

    def first(self, hints: tuple[Any, ...], value: Any, where: str) -> Any:
        """Of several types the first that fits."""
        if value is None and type(None) in hints:
            return None
        errors = []
        for hint in hints:
            if hint in (type(None), Absent):
                continue
            try:
                return self.value(hint, value, where)
            except self.error as error:
                errors.append(str(error))
        raise self.error("; or ".join(errors))
