"""Frozen configurations: TOML in, TOML and a hash out; unknown keys raise."""

import dataclasses
import hashlib
import json
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from hmrm.errors import ConfigError

C = TypeVar("C")


def load(cls: type[C], path: Path) -> C:
    """Read a TOML file into the frozen dataclass ``cls``.

    Raises:
        ConfigError: no such file, not TOML, unknown key, wrong type, or a value ``cls`` refuses.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"config {path}: cannot be read as TOML ({error})") from error
    return from_mapping(cls, table, where=str(path))


def from_mapping(cls: type[C], table: Mapping[str, Any], *, where: str = "config") -> C:
    """Build ``cls`` from nested mappings; every key must be a field of the dataclass.

    Raises:
        ConfigError: unknown key, wrong type, missing key, or a value ``cls`` refuses.
    """
    fields = {f.name: f for f in dataclasses.fields(typing.cast(Any, cls))}
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise ConfigError(
            f"{where}: unknown key {unknown[0]!r}; {cls.__name__} knows {', '.join(fields)}"
        )
    values = {k: _convert(hints[k], v, where=f"{where}: {k}") for k, v in table.items()}
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from error


def _convert(hint: Any, value: Any, *, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected a table, got {value!r}")
        return from_mapping(typing.cast(type, hint), value, where=where)
    origin, choices = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _convert_first(choices, value, where=where)
    if origin is tuple:
        return _convert_tuple(choices, value, where=where)
    if origin is typing.Literal:
        if value not in choices:
            names = ", ".join(map(repr, choices))
            raise ConfigError(f"{where}: expected one of {names}, got {value!r}")
        return value
    return _convert_scalar(hint, value, where=where)


def _convert_tuple(hints: tuple[Any, ...], value: Any, *, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected a list, got {value!r}")
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_convert(hints[0], v, where=where) for v in value)
    if len(hints) != len(value):
        raise ConfigError(f"{where}: expected {len(hints)} values, got {len(value)}")
    return tuple(_convert(h, v, where=where) for h, v in zip(hints, value, strict=True))


def _convert_scalar(hint: Any, value: Any, *, where: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise ConfigError(f"{where}: expected {getattr(hint, '__name__', hint)}, got {value!r}")


def _convert_first(hints: tuple[Any, ...], value: Any, *, where: str) -> Any:
    errors = []
    for hint in hints:
        if hint is type(None):
            continue
        try:
            return _convert(hint, value, where=where)
        except ConfigError as error:
            errors.append(error)
    raise errors[-1]


def to_mapping(config: Any) -> dict[str, Any]:
    """Nested plain values of a config; absent (None) values are left out, as TOML has none."""
    return typing.cast(dict[str, Any], _plain(dataclasses.asdict(config)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def dumps(config: Any) -> str:
    """The config as TOML; ``load`` gives it back."""
    return tomli_w.dumps(to_mapping(config))


def digest(config: Any) -> str:
    """The first 12 hex digits of the sha256 over the config's values, independent of key order."""
    text = json.dumps(to_mapping(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
