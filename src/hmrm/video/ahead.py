"""Frames decoded ahead in a thread, while the ones before are measured."""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

_MOST = 2


def ahead(items: Iterable[T], *, most: int = _MOST) -> Generator[T]:
    """The items in order, each made while the one before is used.

    Processor time stays the same; with a second core to spare the wall clock gains. What making an
    item raises is raised here in its place. Whoever stops early closes the generator; no item is
    made after that but the one under way.

    Args:
        most: items that wait at the same time.

    Example:
        >>> from hmrm.video.ahead import ahead
        >>> list(ahead(range(3)))
        [0, 1, 2]
    """
    waiting: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(maxsize=most)
    stopped = threading.Event()

    def put(kind: str, item: T | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                waiting.put((kind, item), timeout=0.1)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put("item", item)
                if stopped.is_set():
                    return
            put("end", None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            put("error", error)

    thread = threading.Thread(target=make, name="frames ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, item = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                assert isinstance(item, BaseException)
                raise item
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
