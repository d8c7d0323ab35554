"""How the C++ scan is obtained, kept and replaced where it cannot be had."""

import logging
import multiprocessing
import os
import stat
import subprocess
import sys

import pytest
import torch

from hmrm.errors import ConfigError
from hmrm.model import scan, scan_build
from hmrm.model.scan import SWITCH, scan_backend, selective_scan, using_backend

REPORT = (
    "from hmrm.model.scan import scan_backend; b = scan_backend(); print(b.name, '|', b.reason)"
)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache and nothing remembered; yields the cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    scan._automatic.cache_clear()
    yield tmp_path / "hmrm"
    monkeypatch.undo()
    scan._automatic.cache_clear()


@pytest.fixture
def uncompiled(fresh, monkeypatch):
    """As `fresh`, with the operators not loaded either."""
    scan.scan_cpp.load.cache_clear()
    yield fresh
    monkeypatch.undo()
    scan.scan_cpp.load.cache_clear()


def compiler_stub(folder, script):
    path = folder / "stub-compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def one_line(caplog):
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1 and "\n" not in lines[0]
    return lines[0]


def small():
    g = torch.Generator().manual_seed(0)
    u, dt, B, C = (torch.rand(2, 5, size, generator=g) for size in (3, 3, 4, 4))
    return u, dt, -torch.rand(3, 4, generator=g), B, C, torch.rand(3, generator=g)


def still_works():
    with using_backend("reference"):
        expected = selective_scan(*small())
    torch.testing.assert_close(selective_scan(*small()), expected)


def test_no_compiler(uncompiled, monkeypatch, caplog):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            backend = scan_backend()
        still_works()
    assert backend.name == "torch" and "no C++ compiler" in backend.reason
    assert "slower torch version" in one_line(caplog)


def test_failing_compiler_is_quoted(uncompiled, monkeypatch, caplog, tmp_path):
    script = "echo 'scan.cpp:1: fatal error: torch/x.h: No such file' >&2; exit 1"
    monkeypatch.setenv("CXX", compiler_stub(tmp_path, script))
    assert scan_backend().name == "torch"
    assert "fatal error: torch/x.h" in one_line(caplog)
    assert [path.name for path in uncompiled.iterdir()] == ["scan.lock"]


def test_library_that_does_not_load(uncompiled, monkeypatch, caplog, tmp_path):
    script = 'while [ "$1" != -o ]; do shift; done; echo "no library" > "$2"'
    monkeypatch.setenv("CXX", compiler_stub(tmp_path, script))
    assert scan_backend().name == "torch"
    assert "does not load" in one_line(caplog)
    still_works()


def test_cache_that_is_a_file(uncompiled, caplog):
    uncompiled.write_text("in the way")
    assert scan_backend().name == "torch"
    assert "cache folder" in one_line(caplog)


def test_cache_of_somebody_else(uncompiled, caplog):
    uncompiled.mkdir()
    uncompiled.chmod(0o777)
    assert scan_backend().name == "torch"
    assert "written by other users" in one_line(caplog)


def refuse(*args, **words):
    raise OSError(30, "Read-only file system")


def test_read_only_home(uncompiled, monkeypatch, caplog):
    # Simulated, since root may write anywhere.
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    assert scan_backend().name == "torch"
    assert "Read-only file system" in one_line(caplog)


def test_full_disk(uncompiled, monkeypatch, caplog, tmp_path):
    script = (
        'while [ "$1" != -o ]; do shift; done; echo half > "$2"; echo "No space left" >&2; exit 1'
    )
    monkeypatch.setenv("CXX", compiler_stub(tmp_path, script))
    assert scan_backend().name == "torch"
    assert "No space left" in one_line(caplog)
    assert not list(uncompiled.glob("*.so")) and not list(uncompiled.glob(".*.so"))


def test_workers_do_not_compile(uncompiled, monkeypatch, caplog):
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    assert scan_backend().name == "torch"
    assert "worker processes do not compile" in one_line(caplog)
    assert not uncompiled.exists()


def test_damaged_cache_is_compiled_again(fresh, monkeypatch, tmp_path):
    counter = tmp_path / "runs"
    script = f'echo run >> {counter}; while [ "$1" != -o ]; do shift; done; echo library > "$2"'
    monkeypatch.setenv("CXX", compiler_stub(tmp_path, script))
    path = scan_build.operator_file()
    assert path == scan_build.operator_file()
    assert counter.read_text().count("run") == 1
    path.write_text("libr")  # truncated by a crash of the machine
    assert scan_build.operator_file().read_text() == "library\n"
    assert counter.read_text().count("run") == 2
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700


def test_another_torch_or_source_is_another_library(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv(
        "CXX", compiler_stub(tmp_path, 'while [ "$1" != -o ]; do shift; done; echo x > "$2"')
    )
    first = scan_build.operator_file()
    scan_build._key.cache_clear()
    monkeypatch.setattr(torch, "__version__", "2.99.0")
    second = scan_build.operator_file()
    scan_build._key.cache_clear()
    assert first != second


@pytest.mark.parametrize("name", ["torch", "reference"])
def test_switch_forces_a_backend(monkeypatch, name):
    monkeypatch.setenv(SWITCH, name)
    assert scan_backend().name == name
    still_works()


def test_unknown_switch(monkeypatch):
    monkeypatch.setenv(SWITCH, "fast")
    with pytest.raises(ConfigError, match="expected one of cpp, torch, reference"):
        scan_backend()


def run_python(code, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_compile_at_once(tmp_path):
    if scan_backend().name != "cpp":
        pytest.skip(scan_backend().reason)
    both = [run_python(REPORT, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2)]
    for process in both:
        output, errors = process.communicate(timeout=300)
        assert output.startswith("cpp | compiled operator"), errors
    assert len(list((tmp_path / "hmrm").glob("scan-*.so"))) == 1
    assert not list((tmp_path / "hmrm").glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("level", ["0", "1", "2"])
def test_every_instruction_set_agrees(level):
    if scan_backend().name != "cpp":
        pytest.skip(scan_backend().reason)
    code = (
        "import sys; sys.path.insert(0, 'tests/reference'); import test_scan as t\n"
        "from hmrm.model.scan import scan_backend; print(scan_backend().reason)\n"
        "for shape in ((3, 49, 24, 16), (2, 16, 32, 8), (1, 5, 7, 3)):\n"
        "    for reverse in (False, True): t.check(t.arguments(*shape), reverse)\n"
    )
    process = run_python(code, HMRM_SCAN_ISA=level)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    if level == "0":
        assert "baseline" in output


def scan_in_worker(_):
    torch.set_num_threads(1)
    leaf = small()[0].requires_grad_()
    y = selective_scan(leaf, *small()[1:])
    y.sum().backward()
    return scan_backend().name, y.detach().numpy(), leaf.grad.numpy()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_workers_use_what_the_parent_compiled(method):
    here = scan_in_worker(0)
    # Forking while torch's threads run can hang, here as in any torch program.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with multiprocessing.get_context(method).Pool(1) as pool:
            there = pool.apply(scan_in_worker, (0,))
    finally:
        torch.set_num_threads(threads)
    assert there[0] == here[0]
    assert (there[1] == here[1]).all() and (there[2] == here[2]).all()
