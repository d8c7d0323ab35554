"""Signs that an input ran code: a module that leaves a file behind, and Python's own hooks."""

import sys
from pathlib import Path

from fuzz.mutators.hostile import SENTINEL_MODULE

_SOURCE = '''"""Imported by an input that can make the program import what it names."""

from pathlib import Path

Path("sentinel-was-imported").write_text("")


def factory(**options: object) -> object:
    """Called by an input that can make the program call what it names."""
    Path("sentinel-was-called").write_text("")
    return options
'''
_EVENTS = frozenset({"os.system", "pickle.find_class", "socket.connect", "socket.getaddrinfo"})


def write_module(folder: Path) -> None:
    """Put the module where it can be imported from."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{SENTINEL_MODULE}.py").write_text(_SOURCE, encoding="utf-8")


class Sentinel:
    """Watches this process; to be made once, before the first input."""

    def __init__(self, folder: Path) -> None:
        self._seen: list[str] = []
        sys.path.append(str(folder))
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _EVENTS:
            self._seen.append(f"{event} {arguments!r}"[:200])

    def reset(self) -> None:
        """Forget what was seen, and make the module importable again."""
        self._seen.clear()
        sys.modules.pop(SENTINEL_MODULE, None)

    def seen(self, folder: Path) -> list[str]:
        """What ran since `reset`, with the files that the module left in ``folder``."""
        files = [path.name for path in folder.glob("sentinel-was-*")]
        return [*self._seen, *files]
