"""The selective scan's Triton kernels: one program per sequence and block of channels.

Pointers end in ``_at`` and lead to contiguous arrays, whose shapes are those of ``scan_triton``.
``d`` and ``n`` are a block's channels and states, ``row`` is a sequence's element in memory.
"""

from typing import no_type_check

import triton
import triton.language as tl

# `no_type_check`: Triton compiles the source of these functions and must see no other decorator.


@triton.jit
@no_type_check
def _row(at, row, width, index, inside, WIDE: tl.constexpr):
    return tl.load(at + row * width + index, mask=inside, other=0.0).to(WIDE)


@triton.jit
@no_type_check
def _place(b, step, length, REVERSE: tl.constexpr):
    return b * length + (length - 1 - step if REVERSE else step)


@triton.jit(do_not_specialize=["length"])
@no_type_check
def forward_kernel(
    u_at, dt_at, A_at, B_at, C_at, D_at, y_at, kept_at, length, channels, states,
    REVERSE: tl.constexpr, CHUNK: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_D: tl.constexpr, BLOCK_N: tl.constexpr, KEEP: tl.constexpr,
):  # fmt: skip
    """Outputs, and with KEEP the state before each chunk of steps but the first."""
    b = tl.program_id(0).to(tl.int64)
    d, n = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_N)
    in_d, in_n = d < channels, n < states
    inside, cell = in_d[:, None] & in_n[None, :], d[:, None] * states + n[None, :]
    A = tl.load(A_at + cell, mask=inside, other=0.0).to(WIDE)
    D = tl.load(D_at + d, mask=in_d, other=0.0).to(WIDE)
    kept_at += b * ((length + CHUNK - 1) // CHUNK - 1) * channels * states
    state = tl.zeros((BLOCK_D, BLOCK_N), dtype=WIDE)
    for step in range(length):
        if KEEP:  # noqa: SIM102 - decided when the kernel is compiled, the next when it runs
            if (step > 0) & (step % CHUNK == 0):
                kept = kept_at + (step // CHUNK - 1) * channels * states + cell
                tl.store(kept, state, mask=inside)
        row = _place(b, step, length, REVERSE)
        u = _row(u_at, row, channels, d, in_d, WIDE)
        dt = _row(dt_at, row, channels, d, in_d, WIDE)
        B = _row(B_at, row, states, n, in_n, WIDE)
        C = _row(C_at, row, states, n, in_n, WIDE)
        state = tl.exp(dt[:, None] * A) * state + (dt * u)[:, None] * B[None, :]
        y = tl.sum(state * C[None, :], axis=1) + D * u
        tl.store(y_at + row * channels + d, y, mask=in_d)


@triton.jit
@no_type_check
def _store_states(
    chunk_at, kept_at, A, u_at, dt_at, B_at, b, first, count,
    d, n, length, channels, states, REVERSE: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """The state before each of a chunk's steps, from the one that was kept before its first."""
    in_d, in_n = d < channels, n < states
    inside, cell = in_d[:, None] & in_n[None, :], d[:, None] * states + n[None, :]
    state = tl.zeros_like(A)
    if first > 0:
        state = tl.load(kept_at + cell, mask=inside, other=0.0)
    tl.debug_barrier()  # other threads may still read the chunk walked before
    for step in range(count):
        tl.store(chunk_at + step * channels * states + cell, state, mask=inside)
        row = _place(b, first + step, length, REVERSE)
        u = _row(u_at, row, channels, d, in_d, WIDE)
        dt = _row(dt_at, row, channels, d, in_d, WIDE)
        B = _row(B_at, row, states, n, in_n, WIDE)
        state = tl.exp(dt[:, None] * A) * state + (dt * u)[:, None] * B[None, :]
    tl.debug_barrier()


@triton.jit(do_not_specialize=["length"])
@no_type_check
def backward_kernel(
    u_at, dt_at, A_at, B_at, C_at, D_at, gy_at, kept_at, chunk_at,
    du_at, d_dt_at, dA_at, dB_at, dC_at, dD_at, length, channels, states,
    REVERSE: tl.constexpr, CHUNK: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_D: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Gradients of u and dt, and of the others the block's or the sequence's part."""
    b, block = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    d, n = block * BLOCK_D + tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_N)
    in_d, in_n = d < channels, n < states
    inside, cell = in_d[:, None] & in_n[None, :], d[:, None] * states + n[None, :]
    A = tl.load(A_at + cell, mask=inside, other=0.0).to(WIDE)
    D = tl.load(D_at + d, mask=in_d, other=0.0).to(WIDE)
    size = channels * states
    chunks = (length + CHUNK - 1) // CHUNK
    chunk_at += b * CHUNK * size
    part = block * tl.num_programs(0) * length * states
    dA, dD = tl.zeros((BLOCK_D, BLOCK_N), dtype=WIDE), tl.zeros((BLOCK_D,), dtype=WIDE)
    carried = tl.zeros((BLOCK_D, BLOCK_N), dtype=WIDE)
    for passed in range(chunks):
        first = (chunks - 1 - passed) * CHUNK
        count = tl.minimum(length - first, CHUNK)
        _store_states(
            chunk_at, kept_at + (b * (chunks - 1) + chunks - 2 - passed) * size, A, u_at, dt_at,
            B_at, b, first, count, d, n, length, channels, states, REVERSE, WIDE,
        )  # fmt: skip
        for walked in range(count):
            step = count - 1 - walked
            row = _place(b, first + step, length, REVERSE)
            u = _row(u_at, row, channels, d, in_d, WIDE)
            dt = _row(dt_at, row, channels, d, in_d, WIDE)
            gy = _row(gy_at, row, channels, d, in_d, WIDE)
            B = _row(B_at, row, states, n, in_n, WIDE)
            C = _row(C_at, row, states, n, in_n, WIDE)
            before = tl.load(chunk_at + step * size + cell, mask=inside, other=0.0)
            decay, driving = tl.exp(dt[:, None] * A), (dt * u)[:, None]
            state = decay * before + driving * B[None, :]
            carried += gy[:, None] * C[None, :]  # the loss's slope along this step's state
            sums = part + row * states + n
            tl.store(dC_at + sums, tl.sum(gy[:, None] * state, axis=0), mask=in_n)
            tl.store(dB_at + sums, tl.sum(carried * driving, axis=0), mask=in_n)
            driven = tl.sum(carried * B[None, :], axis=1)
            carried *= decay  # from here on: along the state before
            through = carried * before
            d_dt = driven * u + tl.sum(through * A, axis=1)
            tl.store(du_at + row * channels + d, driven * dt + gy * D, mask=in_d)
            tl.store(d_dt_at + row * channels + d, d_dt, mask=in_d)
            dA += through * dt[:, None]
            dD += gy * u
    tl.store(dA_at + b * size + cell, dA, mask=inside)
    tl.store(dD_at + b * channels + d, dD, mask=in_d)
