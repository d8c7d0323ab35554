"""Process pool with one thread a process: two threads on shared cores are slower than one."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def single_thread() -> None:
    """Hold this process, and libraries loaded later, to one computing thread."""
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)
    # Not imported for this, which takes seconds: a torch loaded later obeys the variables.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Within it OpenCV computes on one thread: some of its results depend on their number."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Within it torch computes on one thread: sums in another order give other bytes."""
    # Not at the top: the base installation has no torch.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start_worker() -> None:
    single_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent cannot end its workers; without this they would compute on."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in workers only"
    parent.join()
    os._exit(1)


def run_all(
    function: Callable[[T], R], items: Iterable[T], *, workers: int
) -> Iterator[tuple[T, R]]:
    """Yield ``(item, function(item))`` as results come in, in no fixed order.

    Args:
        function: picklable; receives one item and no shared state.
        workers: processes; 0 or 1 runs everything here, in the order of ``items``.

    A failing item raises here at once; pending items are cancelled.
    """
    if workers <= 1:
        for item in items:
            yield item, function(item)
        return
    # Spawn: forking a process in which torch or OpenCV has started threads can deadlock.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        futures = {pool.submit(function, item): item for item in items}
        try:
            for future in as_completed(futures):
                # Popped: results are not held until the last one is there.
                yield futures.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
