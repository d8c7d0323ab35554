"""The engine that every run takes unless another is asked for: processes of this machine."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from hmrm import parallel
from hmrm.engine.contract import Check

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class LocalEngine:
    """So many processes, one thread each; 1 works in this one.

    Example:
        >>> from hmrm.engine.local import LocalEngine
        >>> dict(LocalEngine(workers=1).run_all(str.upper, ["onset", "apex"]))
        {'onset': 'ONSET', 'apex': 'APEX'}
    """

    workers: int = 1

    @property
    def name(self) -> str:
        """See `hmrm.engine.contract.Engine`."""
        return ""

    @property
    def here(self) -> bool:
        """See `hmrm.engine.contract.Engine`."""
        return self.workers <= 1

    @property
    def reads_here(self) -> bool:
        """See `hmrm.engine.contract.Engine`."""
        return True

    def run_all(
        self, function: Callable[[T], R], items: Iterable[T], *, check: Check | None = None
    ) -> Iterator[tuple[T, R]]:
        """See `hmrm.engine.contract.Engine`; here is checked already what is read here."""
        del check
        return parallel.run_all(function, items, workers=self.workers)
