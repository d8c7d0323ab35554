"""Ways to compute the network's blocks, each a context manager; ours first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.scan.rivals import indexing_loop
from hmrm.model import grained_mamba
from hmrm.model.scan import using_backend


def loop_scan(*arguments: Any) -> torch.Tensor:
    """The plain indexing loop in the place of ours; reversed by flipping."""
    *tensors, reverse = arguments
    if not reverse:
        return indexing_loop(*tensors)
    u, dt, A, B, C, D = tensors
    return indexing_loop(u.flip(1), dt.flip(1), A, B.flip(1), C.flip(1), D).flip(1)


@contextmanager
def _fused() -> Iterator[None]:
    with using_backend("cpp"):
        yield


@contextmanager
def _plain_block() -> Iterator[None]:
    with using_backend("cpp"), patch.object(grained_mamba, "fusible", lambda _: False):
        yield


@contextmanager
def _torch_scan() -> Iterator[None]:
    with using_backend("torch"):
        yield


@contextmanager
def _loop() -> Iterator[None]:
    with using_backend("torch"), patch.object(grained_mamba, "selective_scan", loop_scan):
        yield


WAYS: dict[str, Callable[[], Any]] = {
    "fused block, cpp": _fused,
    "plain block, cpp scan": _plain_block,
    "plain block, torch scan": _torch_scan,
    "plain block, indexing loop": _loop,
}
