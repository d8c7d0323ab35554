"""An engine that computes as on another machine: through pickles, in another folder."""

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FarEngine:
    """Everything that is sent and comes back is pickled; the working folder is ``place``.

    Attributes:
        loses_after: so many tasks come back before the engine is lost; None is all.
    """

    name, here, reads_here = "far away", False, False

    def __init__(self, place: Path, *, loses_after: int | None = None) -> None:
        self.place, self.loses_after = place, loses_after
        self.done = 0

    def run_all(self, function, items, *, check=None):
        items = list(items)
        if items and check is not None:
            with self._there():
                _sent(check)()
        for item in items[::-1]:
            if self.done == self.loses_after:
                raise ConnectionError("lost")
            with self._there():
                result = _sent(function)(_sent(item))
            self.done += 1
            yield item, _sent(result)

    @contextmanager
    def _there(self) -> Iterator[None]:
        before = Path.cwd()
        os.chdir(self.place)
        try:
            yield
        finally:
            os.chdir(before)


def _sent(value):
    """As it is after a way between two processes."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301
