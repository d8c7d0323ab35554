"""From the name on the command line to a recogniser: known by name, or anybody's own."""

import dataclasses
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from hmrm import config
from hmrm.errors import ConfigError
from hmrm.model.contract import Recogniser
from hmrm.training.registry import build_recogniser


def find_recogniser(name: str, options: Mapping[str, Any] | None = None) -> Recogniser:
    """Build a recogniser.

    Args:
        name: a known one, or ``package.module:factory``; the current folder is searched too.
        options: its hyper-parameters, by keyword.

    Raises:
        ConfigError: unknown name, module, factory or option, or not a recogniser.
        MissingExtraError: its library is not installed.
    """
    if ":" not in name:
        return build_recogniser(name, options)
    factory = _import(name)
    table = dict(options or {})
    found: Any
    if isinstance(factory, type) and dataclasses.is_dataclass(factory):
        found = config.from_mapping(factory, table, where=f"model {name}")
    else:
        try:
            found = factory(**table)
        except TypeError as error:
            raise ConfigError(f"model {name}: {error}; options were {table}") from error
    missing = [part for part in ("fit", "map_kind", "epochs") if not hasattr(found, part)]
    if missing:
        raise ConfigError(f"model {name}: has no {missing[0]}; see hmrm.model.contract.Recogniser")
    if found.map_kind not in ("canonical", "raw"):
        raise ConfigError(f"model {name}: map_kind {found.map_kind!r}; choose canonical or raw")
    return cast(Recogniser, found)


def _import(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        # The installed command does not search the current folder, where one's own model lies.
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"model {name}: cannot import {module_name} ({error}); run where it can be found"
        ) from error
    except ValueError as error:
        raise ConfigError(f"model {name}: expected package.module:factory") from error
    if not hasattr(module, attribute):
        raise ConfigError(f"model {name}: {module_name} has no {attribute!r}")
    return getattr(module, attribute)
