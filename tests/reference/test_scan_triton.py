"""The scan's Triton kernels against the float64 reference: in Triton's interpreter, and on CUDA.

Triton decides once a process whether it interprets, so the cases run in a process of their own.
The interpreter checks the arithmetic on the CPU. That a GPU's compiler takes the kernels is
another test; that a GPU runs them right needs one.
"""

import functools
import importlib.util
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
SHAPES = [(2, length, channels, 4) for length in (1, 5, 17) for channels in (3, 8)]
SHAPES += [(1, 33, 17, 5)]  # three chunks, two blocks of channels, states no power of two
DEVICES = ("cpu", "cuda")

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="Triton is not installed"
)


def shape_case(device, shape, reverse):
    from test_scan import check

    check(on(device, shape), reverse)


def strided_case(device):
    from test_scan import check

    u, dt, A, B, C, D = (value.detach() for value in on(device, (2, 5, 8, 4)))
    _, B, C = torch.cat([u, B, C], dim=-1).split([8, 4, 4], dim=-1)
    u = u.transpose(1, 2).contiguous().transpose(1, 2)
    dt = torch.repeat_interleave(dt, 2, dim=1)[:, ::2]
    A = A.t().contiguous().t()
    assert not any(value.is_contiguous() for value in (u, dt, A, B, C))
    check([value.requires_grad_() for value in (u, dt, A, B, C, D)], True)


def expanded_slope_case(device):
    """The gradient of a sum arrives with strides of zero."""
    from test_scan import GRADIENT_TOLERANCE, relative

    from hmrm.model.scan import selective_scan, selective_scan_reference

    args = on(device, (2, 5, 3, 4))
    wide = [value.detach().double().requires_grad_() for value in args]
    got = torch.autograd.grad(selective_scan(*args).sum(), args)
    expected = torch.autograd.grad(selective_scan_reference(*wide).sum(), wide)
    assert max(map(relative, got, expected)) <= GRADIENT_TOLERANCE


def empty_case(device):
    from hmrm.model.scan import selective_scan

    for shape in ((0, 5, 4, 3), (2, 5, 0, 3)):
        args = on(device, shape)
        y = selective_scan(*args)
        assert y.shape == shape[:3]
        for value, gradient in zip(args, torch.autograd.grad(y.sum(), args), strict=True):
            assert gradient.shape == value.shape and not gradient.any()


def double_case(device):
    from hmrm.model.scan import selective_scan, selective_scan_reference

    args = on(device, (1, 18, 2, 3), torch.float64)
    both = [scan(*args) for scan in (selective_scan, selective_scan_reference)]
    torch.testing.assert_close(*both, rtol=1e-12, atol=1e-13)
    gradients = [torch.autograd.grad(y.square().sum(), args) for y in both]
    torch.testing.assert_close(*gradients, rtol=1e-11, atol=1e-12)


def bfloat16_case(device):
    from hmrm.model.scan import selective_scan, selective_scan_reference

    u, dt, A, B, C, D = on(device, (2, 17, 3, 4))
    narrow = [u.bfloat16(), dt, A, B.bfloat16(), C.bfloat16(), D]
    y = selective_scan(*narrow)
    assert y.dtype == torch.bfloat16
    expected = selective_scan_reference(*(value.detach().double() for value in narrow))
    # Only the result is rounded: by half a unit, 2^-9 relative; the interpreter cuts it off.
    tolerance = 2**-7 if device == "cpu" else 2**-8
    torch.testing.assert_close(y.double(), expected, rtol=tolerance, atol=1e-5)
    gradients = torch.autograd.grad(y.float().sum(), [u, dt, A, B, C, D])
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def same_bits_case(device):
    """No gradient, another batch, the other direction: the same bits."""
    from hmrm.model.scan import selective_scan

    u, dt, A, B, C, D = on(device, (2, 5, 3, 4))
    together = selective_scan(u, dt, A, B, C, D)
    with torch.no_grad():
        alone = selective_scan(u[1:], dt[1:], A, B[1:], C[1:], D)
        flipped = selective_scan(u.flip(1), dt.flip(1), A, B.flip(1), C.flip(1), D, True).flip(1)
    assert torch.equal(together[1:], alone) and torch.equal(together, flipped)


def nan_case(device):
    from hmrm.model.scan import selective_scan

    args = [value.detach().clone() for value in on(device, (1, 2, 3, 4))]
    args[3][0, 0, 0] = float("nan")
    assert torch.isnan(selective_scan(*args)).all()


CASES = {
    f"{shape}{' reverse' if reverse else ''}": functools.partial(
        shape_case, shape=shape, reverse=reverse
    )
    for shape in SHAPES
    for reverse in (False, True)
}
CASES |= {
    "strided": strided_case,
    "expanded slope": expanded_slope_case,
    "empty": empty_case,
    "float64": double_case,
    "bfloat16": bfloat16_case,
    "same bits": same_bits_case,
    "nan": nan_case,
}


def on(device: str, shape: tuple[int, ...], dtype=torch.float32) -> list[Tensor]:
    from test_scan import arguments

    return [value.detach().to(device).requires_grad_() for value in arguments(*shape, dtype=dtype)]


def run_cases(device: str) -> None:
    """Write which backend ran, and each case's failure or nothing, as JSON to stdout."""
    from hmrm.model.scan import scan_backend, using_backend

    torch.set_num_threads(1)
    failures = {}
    with using_backend("triton"):
        where = torch.device(device, 0) if device == "cuda" else torch.device(device)
        backend = scan_backend(where)
        for name, case in CASES.items():
            try:
                case(device)
                failures[name] = ""
            except Exception:  # noqa: BLE001 - one case must not hide the others
                failures[name] = traceback.format_exc()
    report = {"backend": [backend.name, backend.reason], "failures": failures}
    sys.stdout.write(json.dumps(report) + "\n")


def run_python(code: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("device", DEVICES)
def test_kernels_equal_the_reference(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    code = "import sys; sys.path.insert(0, 'tests/reference'); import test_scan_triton as t\n"
    code += f"t.run_cases('{device}')"
    result = json.loads(run_python(code, TRITON_INTERPRET="1" if device == "cpu" else "0"))
    name, reason = result["backend"]
    assert name == "triton", reason
    failed = {case: error for case, error in result["failures"].items() if error}
    assert result["failures"].keys() == CASES.keys() and not failed, "\n".join(
        f"{case}: {error}" for case, error in failed.items()
    )


COMPILE = """
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from hmrm.model.scan_triton_kernels import backward_kernel, forward_kernel

for kernel, flags in ((forward_kernel, {"KEEP": True}), (backward_kernel, {})):
    constants = {"REVERSE": True, "CHUNK": 16, "WIDE": tl.float32, "BLOCK_D": 16, "BLOCK_N": 16}
    constants |= flags
    types = {name: "*fp32" if name.endswith("_at") else "i32" for name in kernel.arg_names}
    types |= dict.fromkeys(constants, "constexpr")
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    source = triton.compiler.ASTSource(fn=kernel, signature=types, constexprs=places)
    options = {"num_warps": 1, "num_stages": 1, "enable_fp_fusion": True}
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    print(kernel.__name__, len(compiled.asm["cubin"]))
"""


def test_kernels_compile_for_a_gpu(tmp_path):
    # Needs no GPU: Triton brings NVIDIA's assembler. The cache would hide a kernel gone wrong.
    last = run_python(COMPILE, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path))
    name, size = last.split()
    assert name == "backward_kernel" and int(size) > 1000


def test_without_cuda_and_interpreter_the_cpu_keeps_its_backend():
    code = (
        "from hmrm.model.scan import scan_backend, using_backend\n"
        "plain = scan_backend()\n"
        "with using_backend('triton') as forced: pass\n"
        "print(plain.name == forced.name, '|', forced.reason)"
    )
    same, reason = run_python(code, TRITON_INTERPRET="0").split(" | ")
    assert same == "True" and "runs on CUDA devices only" in reason
