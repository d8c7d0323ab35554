"""Frames that are decoded in a thread of their own, while the ones before are looked at."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T], at_once: int = 1) -> Generator[T]:
    """The same items in the same order; some are made while the last ones are used.

    Decoding holds no lock of Python's, so two cores share the work. Errors of ``items`` are raised
    where the items are used; when that ends early, ``items`` is closed.

    Args:
        at_once: how many are made in one go; so many more are in memory.

    Example:
        >>> from hmrm.video.ahead import ahead
        >>> list(ahead((n * n for n in range(5)), at_once=2))
        [0, 1, 4, 9, 16]
    """

    def some() -> list[T]:
        return list(islice(items, at_once))

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="decoding") as thread:
        try:
            coming = thread.submit(some)
            while made := coming.result():
                coming = thread.submit(some)
                yield from made
        finally:
            thread.submit(items.close)
