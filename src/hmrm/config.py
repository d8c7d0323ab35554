"""Frozen configurations: TOML in, TOML and a hash out; unknown keys raise."""

import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from hmrm import reading, records
from hmrm.errors import ConfigError

C = TypeVar("C")


def load(cls: type[C], path: Path) -> C:
    """Read a TOML file into the frozen dataclass ``cls``.

    Raises:
        ConfigError: no such file, not TOML, unknown key, wrong type, or a value ``cls`` refuses.
    """
    return from_mapping(cls, read_table(path), where=str(path))


def read_table(path: Path) -> dict[str, Any]:
    """Plain values of a TOML file.

    Raises:
        ConfigError: no such file, not TOML, or beyond the limits of `hmrm.limits`.
    """
    try:
        return reading.read_toml(path)
    except FileNotFoundError as error:
        raise ConfigError(f"config {path}: cannot be read; no such file") from error
    except (OSError, reading.DamagedError) as error:
        raise ConfigError(f"config {path}: cannot be read as TOML ({error})") from error


def from_mapping(cls: type[C], table: Mapping[str, Any], *, where: str = "config") -> C:
    """Build ``cls`` from nested mappings; every key must be a field of the dataclass.

    Raises:
        ConfigError: unknown key, wrong type, missing key, or a value ``cls`` refuses.
    """
    return records.from_json(cls, table, where=where, strict=True, error=ConfigError)


def to_mapping(config: Any) -> dict[str, Any]:
    """Nested plain values of a config; absent (None) values are skipped, as TOML has none.

    What was renamed stands under its first name (`hmrm.records.formerly`, `values_formerly`): what
    identifies a run stays the same, so runs that were begun before the renaming go on.
    """
    return typing.cast(dict[str, Any], _plain(config))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return _plain({f.metadata.get("formerly", f.name): _first_value(value, f) for f in fields})
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _first_value(config: Any, field: "dataclasses.Field[Any]") -> Any:
    value = getattr(config, field.name)
    first = {new: old for old, new in field.metadata.get("values formerly", {}).items()}
    return first.get(value, value) if first else value


def digest(config: Any) -> str:
    """The first 12 hex digits of the sha256 over the config's values, independent of key order."""
    text = json.dumps(to_mapping(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
