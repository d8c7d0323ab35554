"""Compiles the C++ scan at first use and keeps it in the user's cache.

Compiled where g++ is, in a main process only (workers load what the parent built), under a file
lock, and renamed into place, so that two processes never see each other's half-written file. Not
compiled at installation: that would download torch again for the build.
"""

import contextlib
import functools
import hashlib
import multiprocessing
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import torch

from hmrm.file_lock import lock

SOURCES = Path(__file__).parent / "csrc"
FLAGS = ("-O3", "-std=gnu++20", "-ffp-contract=fast", "-fPIC", "-shared", "-Wno-psabi")
STABLE_ABI = "-DTORCH_TARGET_VERSION=0x020a000000000000"  # torch 2.10, the first that suffices
TIMEOUT_S = 300


class UnavailableError(Exception):
    """The library cannot be had here; the message says why."""


def operator_file() -> Path:
    """The compiled operator library for this machine, torch and source; compiled if need be.

    Raises:
        UnavailableError: no compiler, no cache folder, a failed compilation, or a worker process
            whose parent compiled nothing.
    """
    try:
        folder = cache_folder()
        target = folder / f"scan-{_key()}.so"
        if _intact(target):
            return target
        if multiprocessing.parent_process() is not None:
            raise UnavailableError("not compiled yet, and worker processes do not compile")
        compiler = shutil.which(os.environ.get("CXX", "g++"))
        if compiler is None:
            raise UnavailableError("no C++ compiler (g++) found")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(folder / "scan.lock"):
            # Another process may have finished while this one waited.
            if not _intact(target):
                _compile(compiler, target)
    except OSError as error:
        raise UnavailableError(f"cache folder not usable ({error})") from error
    return target


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/hmrm``, by default ``~/.cache/hmrm``.

    Raises:
        UnavailableError: no home folder, or the folder belongs to somebody else: what lies in it
            would be run.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".cache") / "hmrm"
    except RuntimeError as error:
        raise UnavailableError("no home folder to keep the compiled scan in") from error
    if not hasattr(os, "getuid"):
        raise UnavailableError("this system does not tell whose the cache folder is")
    if folder.exists():
        found = folder.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise UnavailableError(f"cache folder {folder} can be written by other users")
    return folder


@functools.cache
def _key() -> str:
    """Changes with everything the library depends on."""
    total = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        total.update(source.name.encode() + b"\0" + source.read_bytes())
    total.update("\0".join((*FLAGS, torch.__version__, platform.machine())).encode())
    return total.hexdigest()[:16]


def _compile(compiler: str, target: Path) -> None:
    root = Path(torch.__file__).parent
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial.so")
    command = [compiler, *FLAGS, STABLE_ABI, "-isystem", str(root / "include")]
    command += [str(SOURCES / "scan.cpp"), "-o", str(temporary)]
    command += ["-L", str(root / "lib"), "-ltorch_cpu"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            first = next((line for line in lines if "error" in line), lines[-1])
            raise UnavailableError(f"{Path(compiler).name} failed: {first}")
        # The digest is written first: a library without one is not trusted.
        digest = _digest(temporary)
        _digest_path(target).write_text(digest, encoding="ascii")
        temporary.replace(target)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"compilation took over {TIMEOUT_S} s") from error
    finally:
        temporary.unlink(missing_ok=True)


def _intact(target: Path) -> bool:
    """Whether the library is whole: loading a truncated one would kill the process."""
    try:
        return _digest_path(target).read_text(encoding="ascii") == _digest(target)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest_path(target: Path) -> Path:
    return target.with_suffix(".sha256")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        # The lock goes with the process, so a killed compiler run blocks nobody.
        lock(file, wait=True)
        yield
