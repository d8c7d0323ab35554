"""Frames decoded ahead: the same items, the same errors, and nothing after the end."""

import threading

import pytest

from hmrm.errors import VideoError
from hmrm.video.ahead import ahead


def alive():
    return [thread for thread in threading.enumerate() if thread.name == "frames ahead"]


def test_items_come_in_order_and_the_thread_ends():
    assert list(ahead(i * i for i in range(50))) == [i * i for i in range(50)]
    assert list(ahead([])) == []
    assert not alive()


def test_an_error_is_raised_where_its_item_would_have_come():
    def broken():
        yield 1
        yield 2
        raise VideoError("the file breaks off")

    seen = []
    with pytest.raises(VideoError, match="breaks off"):
        seen.extend(ahead(broken()))
    items = ahead(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(VideoError, match="breaks off"):
        next(items)
    assert not alive()


def test_stopping_early_makes_few_more_items_and_closes_what_makes_them():
    made, closed = [], []

    def endless():
        try:
            while True:
                made.append(len(made))
                yield made[-1]
        finally:
            closed.append(True)

    items = ahead(endless(), most=2)
    assert next(items) == 0
    items.close()
    assert not alive()
    assert len(made) <= 5  # the one used, two that wait, and those under way
    assert closed == [True]


def test_items_are_made_while_the_one_before_is_used():
    begun = threading.Event()

    def two():
        yield 1
        begun.set()
        yield 2

    items = ahead(two())
    assert next(items) == 1
    assert begun.wait(5.0)
    assert list(items) == [2]
