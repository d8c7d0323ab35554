"""Which scan a device gets where Triton is absent or broken, and the allocator's switch."""

import ctypes
import logging
import sys
import types

import pytest
import torch

from hmrm.model import scan, scan_cpp
from hmrm.model.scan import SWITCH, scan_backend, using_backend
from hmrm.model.scan_build import UnavailableError

CUDA = torch.device("cuda", 0)  # only named: choosing needs no such device


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    scan._with_triton.cache_clear()
    yield
    scan._with_triton.cache_clear()


def triton_that(monkeypatch, *, loads):
    """Pretend that Triton is there, with our module on top of it replaced."""
    monkeypatch.setattr(scan.importlib.util, "find_spec", lambda _: object())
    stand_in = types.ModuleType("hmrm.model.scan_triton")
    stand_in.load = loads
    monkeypatch.setitem(sys.modules, "hmrm.model.scan_triton", stand_in)
    monkeypatch.setattr("hmrm.model.scan_triton", stand_in, raising=False)


def test_cuda_without_triton_runs_torch_and_says_so_once(monkeypatch, caplog):
    monkeypatch.setattr(scan.importlib.util, "find_spec", lambda _: None)
    with caplog.at_level(logging.WARNING):
        backends = [scan_backend(CUDA) for _ in range(2)]
    assert backends[0] == backends[1] and backends[0].name == "torch"
    assert "Triton is not installed" in backends[0].reason
    assert [record.getMessage() for record in caplog.records] == [
        "selective scan on cuda:0: torch version in use, "
        "Triton version not available: Triton is not installed"
    ]


def test_cuda_with_triton_runs_it(monkeypatch):
    triton_that(monkeypatch, loads=lambda device: f"kernels on {device}")
    assert scan_backend(CUDA) == scan.Backend(name="triton", reason="kernels on cuda:0")
    assert scan_backend().name != "triton"


def test_kernels_that_fail_their_check_are_not_used(monkeypatch):
    def off(device):
        raise UnavailableError(f"Triton 0 is off by 3.0e-01 on {device}")

    triton_that(monkeypatch, loads=off)
    backend = scan_backend(CUDA)
    assert backend.name == "torch" and "off by 3.0e-01 on cuda:0" in backend.reason


@pytest.mark.parametrize("name", ["torch", "reference"])
def test_switch_holds_on_cuda(monkeypatch, name):
    triton_that(monkeypatch, loads=lambda _: "kernels")
    monkeypatch.setenv(SWITCH, name)
    assert scan_backend(CUDA).name == name


def test_cpp_forced_leaves_cuda_to_torch(monkeypatch):
    triton_that(monkeypatch, loads=lambda _: "kernels")
    with using_backend("cpp"):
        backend = scan_backend(CUDA)
    assert backend.name == "torch" and "for the CPU" in backend.reason


def test_triton_forced_on_a_cpu_gives_way(monkeypatch, caplog):
    monkeypatch.setattr(scan.importlib.util, "find_spec", lambda _: None)
    plain = scan_backend()
    with caplog.at_level(logging.WARNING), using_backend("triton") as forced:
        assert forced.name == plain.name
    assert "Triton is not installed" in forced.reason and len(caplog.records) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is tuned on Linux alone")
@pytest.mark.parametrize(("value", "calls"), [(None, 2), ("1", 2), ("0", 0)])
def test_allocator_is_tuned_unless_switched_off(monkeypatch, value, calls):
    made = []
    library = types.SimpleNamespace(mallopt=lambda *arguments: made.append(arguments))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    monkeypatch.delenv(scan_cpp.MEMORY_SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(scan_cpp.MEMORY_SWITCH, value)
    scan_cpp._keep_freed_memory()
    assert len(made) == calls


def test_exported_programs_never_choose_triton(monkeypatch):
    # Tracing would otherwise walk into the loading and checking of the kernels.
    def refuse(device):
        raise AssertionError(f"asked for {device}")

    triton_that(monkeypatch, loads=refuse)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert scan._runner(CUDA) == "reference"
