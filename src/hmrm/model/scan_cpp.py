"""Selective scan through the C++ operator (``csrc/scan.cpp``): registration and gradients.

Loading it also tunes the memory allocator of the whole process (`MEMORY_SWITCH`).
"""

import ctypes
import functools
import os
import sys
from typing import Any

import torch
from torch import Tensor, library

from hmrm.model.scan_build import UnavailableError, operator_file

INSTRUCTION_SETS = ("baseline", "AVX2", "AVX-512")
MEMORY_SWITCH = "HMRM_KEEP_MEMORY"
"""Environment variable: 0 keeps this module from tuning the process's memory allocator."""


@functools.cache
def load() -> str:
    """Load the operators into torch; returns the instruction set that was chosen.

    Side effect: the process keeps freed memory, unless `MEMORY_SWITCH` says no.

    Raises:
        UnavailableError: see ``scan_build.operator_file``; or the library does not load.
    """
    path = operator_file()
    try:
        torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
    except OSError as error:
        raise UnavailableError(f"{path.name} does not load ({error})") from error
    _register()
    return INSTRUCTION_SETS[torch.ops.hmrm.scan_instruction_set()]


@functools.cache
def _register() -> None:
    """Shapes and gradients of the operators: once a process, however often they are loaded."""
    _keep_freed_memory()
    library.register_fake("hmrm::scan_forward", _forward_shapes)
    library.register_fake("hmrm::scan_backward", _backward_shapes)
    library.register_autograd("hmrm::scan_forward", _backward, setup_context=_remember)


def scan_in_cpp(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, reverse: bool
) -> Tensor:
    """Backend ``cpp`` of ``scan.selective_scan``, which has the shapes and meanings."""
    dtype = torch.promote_types(u.dtype, torch.float32)
    wide = [_adjacent(tensor.to(dtype)) for tensor in (u, dt, A, B, C, D)]
    y: Tensor = torch.ops.hmrm.scan_forward(*wide, reverse)[0]
    return y.to(u.dtype)


def _keep_freed_memory() -> None:
    """Tell glibc to keep the buffers of one training step for the next.

    Otherwise it returns each of some MB to the system and gets it back page by page, which took
    an eighth of a step's time (docs/log.md).

    This changes the allocator of the whole process, not of this package alone, from the moment
    the compiled scan loads: blocks below 32 MB come from the heap, and up to 512 MB of freed
    heap stay with the process. ``HMRM_KEEP_MEMORY=0`` leaves the allocator as it was.
    """
    if sys.platform != "linux" or os.environ.get(MEMORY_SWITCH) == "0":
        return
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:  # other C libraries than glibc have none
        trim_threshold, mmap_threshold = -1, -3
        tune(trim_threshold, 512 * 2**20)
        tune(mmap_threshold, 32 * 2**20)


def _adjacent(tensor: Tensor) -> Tensor:
    """The operator takes any strides but the last, which must be 1."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, reverse = inputs
    ctx.save_for_backward(*tensors, output[1])
    ctx.reverse = reverse


def _backward(ctx: Any, gy: Tensor, _states: Tensor | None) -> tuple[Tensor | None, ...]:
    gradients = torch.ops.hmrm.scan_backward(_adjacent(gy), *ctx.saved_tensors, ctx.reverse)
    return (*gradients, None)


def _forward_shapes(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, reverse: bool
) -> tuple[Tensor, Tensor]:
    del dt, B, C, D, reverse
    batch, length, channels = u.shape
    # As in csrc/common.h: the state before every 16th step, rows padded to 16 channels.
    kept, padded = (length + 15) // 16 - 1, (channels + 15) // 16 * 16
    return u.new_empty(u.shape), u.new_empty(batch, kept, A.shape[1] * padded)


def _backward_shapes(
    gy: Tensor,
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    states: Tensor,
    reverse: bool,
) -> tuple[Tensor, ...]:
    del gy, states, reverse
    return tuple(tensor.new_empty(tensor.shape) for tensor in (u, dt, A, B, C, D))
