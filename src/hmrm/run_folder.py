"""One folder, one run: what decides its results is written into it before anything is made.

A run that is started again continues only in a folder of the same settings, so that results of
different settings never mix. Results themselves are each run's own affair.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w

from hmrm import atomic, reading
from hmrm.errors import ConfigError, HmrmError

_LONGEST = 60
_ABSENT = object()


def claim(
    folder: Path,
    file_name: str,
    identity: Mapping[str, Any],
    *,
    key: str = "",
    external_files: bool = True,
    holds_results: Callable[[Path], bool] | None = None,
    advice: str = "choose another folder",
) -> bool:
    """Mark a folder as this run's, or refuse it; remove what a killed run left half-written.

    Args:
        file_name: the identity's file in the folder, ``.json`` or ``.toml``.
        identity: what decides the results, plain values; nested tables are compared value by value.
        key: the table of the file that holds the identity; the whole file if empty. A file of
            results may hold it too, and is left as it is while the identity is the same.
        external_files: whether a folder without that file may hold other things.
        holds_results: whether a folder of another identity holds any results; if it does not, it
            is claimed for this run. None: the run that was there first keeps the folder.
        advice: what the message advises.

    Returns:
        Whether an earlier start of the same run claimed the folder.

    Raises:
        ConfigError: the folder is another run's, its identity is unreadable, or it is not empty
            and ``external_files`` are not allowed.
        OutputError: the folder cannot be written.
    """
    path, results = folder / file_name, holds_results or (lambda _: True)
    if path.exists():
        there = _read(path, key)
        if there == identity:
            atomic.remove_partial(folder)
            return True
        if results(folder):
            raise _refusal(folder, path, there, identity, advice)
    elif not external_files and folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder}: not empty and not a run; {advice}")
    atomic.remove_partial(folder)
    atomic.write_text(path, _text({key: identity} if key else identity, path))
    return False


@contextmanager
def claimed(
    folder: Path,
    file_name: str,
    identity: Mapping[str, Any],
    *,
    more: Collection[str] = (),
    **how: Any,
) -> Iterator[bool]:
    """`claim` a folder for a block; where that fails before it made anything, nothing is left.

    Args:
        more: names of further files that tell what the folder is for, and are no results.
        how: see `claim`, which also says what is yielded and raised.
    """
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    before = set() if absent else {path.name for path in folder.iterdir()}
    resumed = claim(folder, file_name, identity, **how)
    try:
        yield resumed
    except HmrmError:
        made = {path.name for path in folder.iterdir()} - before
        if file_name in made and made <= {file_name, *more}:
            for name in made:
                (folder / name).unlink()
            for place in absent:
                place.rmdir()
        raise


def require_same(
    folder: Path, file_name: str, identity: Mapping[str, Any], *, key: str = ""
) -> None:
    """Refuse to take results from a folder that is not of the same run.

    Args:
        file_name, identity, key: see `claim`.

    Raises:
        ConfigError: it is another run's, or its identity is unreadable.
    """
    path = folder / file_name
    there = _read(path, key)
    if there != identity:
        advice = "it is no part of this run: delete it, or give the settings it was made with"
        raise _refusal(folder, path, there, identity, advice)


def _refusal(
    folder: Path,
    path: Path,
    there: Mapping[str, Any] | None,
    identity: Mapping[str, Any],
    advice: str,
) -> ConfigError:
    if there is None:
        return ConfigError(f"{path}: is unreadable, so the run it belongs to is unknown; {advice}")
    before, now = dict(_flat(there)), dict(_flat(identity))
    changes = "; ".join(
        f"{name} was {_short(before.get(name, _ABSENT))}, now {_short(now.get(name, _ABSENT))}"
        for name in dict.fromkeys((*before, *now))
        if before.get(name, _ABSENT) != now.get(name, _ABSENT)
    )
    return ConfigError(f"{folder}: holds a run of other settings ({changes}); {advice}")


def _read(path: Path, key: str) -> Mapping[str, Any] | None:
    """The identity on file; None where none can be read."""
    read = reading.read_toml if path.suffix == ".toml" else reading.read_json
    try:
        found: Any = read(path)
        found = found[key] if key else found
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, Mapping) else None


def _text(table: Mapping[str, Any], path: Path) -> str:
    if path.suffix == ".toml":
        return tomli_w.dumps(table)
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _short(value: object) -> str:
    text = "absent" if value is _ABSENT else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
