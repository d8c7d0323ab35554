"""Items made ahead in a thread: the same, in order, few at a time, and closed."""

import threading
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import VideoError
from hmrm.video.ahead import ahead


@given(count=st.integers(0, 30), at_once=st.integers(1, 7))
def test_the_same_items_in_the_same_order(count: int, at_once: int) -> None:
    assert list(ahead((n for n in range(count)), at_once)) == list(range(count))


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Generator[int]:
        yield 1
        yield 2
        raise VideoError("clip.mp4: damaged")

    seen = list[int]()
    with pytest.raises(VideoError, match="damaged"):
        for one in ahead(items()):
            seen.append(one)
    assert seen == [1, 2]


def test_few_are_made_ahead_in_another_thread_and_an_early_end_closes_the_source() -> None:
    made, closed, threads = list[int](), threading.Event(), set[str]()

    def items() -> Generator[int]:
        try:
            for n in range(1000):
                made.append(n)
                threads.add(threading.current_thread().name)
                yield n
        finally:
            closed.set()

    used = ahead(items(), at_once=3)
    for n in used:
        assert len(made) <= n + 2 * 3 + 1
        if n == 10:
            break
    used.close()
    assert closed.is_set() and len(made) < 20
    assert threading.current_thread().name not in threads
    assert not [one for one in threading.enumerate() if one.name.startswith("decoding")]
