"""What an engine promises to the runs that use it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

T = TypeVar("T")
R = TypeVar("R")


Check = Callable[[], None]
"""Raises an `hmrm.errors.HmrmError` where a machine lacks what a run needs, or has another."""


@runtime_checkable
class Engine(Protocol):
    """Computes independent tasks; results come back here, where alone they are written."""

    @property
    def name(self) -> str:
        """Who computes, for the user; empty where that is this machine."""

    @property
    def here(self) -> bool:
        """Tasks run in this process, one after the other, and may report their own progress."""

    @property
    def reads_here(self) -> bool:
        """The processes that compute see the files of this machine."""

    def run_all(
        self, function: Callable[[T], R], items: Iterable[T], *, check: Check | None = None
    ) -> Iterator[tuple[T, R]]:
        """Yield ``(item, function(item))`` as results come in, in no fixed order.

        Args:
            function: can be sent to another process, as can its items, unless ``here``.
            check: passed by every worker before it computes anything; not asked on this machine.

        Raises:
            EngineError: workers cannot be reached, were lost, or are not of this version.

        A failing item raises here at once; pending items are cancelled.
        """
