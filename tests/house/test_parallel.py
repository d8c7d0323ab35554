import os

import pytest

from hmrm.parallel import run_all


def square(value: int) -> int:
    return value * value


def fail_on_three(value: int) -> int:
    if value == 3:
        raise ValueError("three")
    return value


def threads(_: int) -> str:
    return os.environ["OMP_NUM_THREADS"]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_comes_back_once(workers: int) -> None:
    assert dict(run_all(square, range(6), workers=workers)) == {i: i * i for i in range(6)}


@pytest.mark.parametrize("workers", [1, 2])
def test_failure_raises_here(workers: int) -> None:
    with pytest.raises(ValueError, match="three"):
        list(run_all(fail_on_three, range(6), workers=workers))


def test_workers_hold_one_thread() -> None:
    assert set(dict(run_all(threads, range(2), workers=2)).values()) == {"1"}
