"""The stamp on every result and weight file: code, versions, data, config, seeds.

No clock time enters: the same input, config and seed must give the same bytes.
"""

import hashlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hmrm import records

PACKAGES = ("numpy", "opencv-contrib-python-headless", "av", "torch", "scikit-learn")


StampJson = dict[str, str | dict[str, str] | list[int] | None]


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a reader needs in order to repeat a result.

    Attributes:
        hmrm: version of this package.
        commit: of its checkout, see `commit`.
        machine: architecture of the processor.
        packages: versions of those of `PACKAGES` that are installed.
        config_hash: digest of the settings, where there are any.
        data_hash: digest of the data, where there are any.
    """

    hmrm: str
    commit: str | None
    python: str
    machine: str
    packages: Mapping[str, str]
    config_hash: str | None
    data_hash: str | None
    seeds: tuple[int, ...]


def make_stamp(
    *,
    config_hash: str | None = None,
    data_hash: str | None = None,
    seeds: Sequence[int] = (),
) -> Stamp:
    """The stamp of a result that is made here and now."""
    return Stamp(
        hmrm=version(),
        commit=commit(),
        python=platform.python_version(),
        machine=platform.machine(),
        packages={name: found for name in PACKAGES if (found := _version_of(name))},
        config_hash=config_hash,
        data_hash=data_hash,
        seeds=tuple(seeds),
    )


def stamp(
    *,
    config_hash: str | None = None,
    data_hash: str | None = None,
    seeds: Sequence[int] = (),
) -> StampJson:
    """`make_stamp` as plain values, ready for JSON."""
    made = make_stamp(config_hash=config_hash, data_hash=data_hash, seeds=seeds)
    plain: StampJson = records.to_json(made)
    return plain


def version() -> str:
    """The installed version of hmrm."""
    return _version_of("hmrm") or "unknown"


def commit() -> str | None:
    """The checkout's commit, ``+changed`` where files differ; None in an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changed" if changed else "")


def sha256(path: Path) -> str:
    """Hex digest of one file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        # Reading only: a git that is killed while it refreshes its index leaves a lock behind.
        ["git", "--no-optional-locks", "-C", str(root), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
