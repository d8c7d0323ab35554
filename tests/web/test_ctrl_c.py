"""Ctrl-C in a terminal, which signals the server and every process that it started."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.web.browsing import ROOT


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
def test_the_server_ends_without_a_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "hmrm", "serve", "--data", str(tmp_path), "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split("http://")[1].split()[0].rstrip("/")
        with urllib.request.urlopen(f"http://{address}/", timeout=60) as answer:
            assert answer.status == 200
        time.sleep(2)  # the workers it has started then ask for jobs
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    assert "Traceback" not in printed and "KeyboardInterrupt" not in printed, printed
    assert process.returncode == 0
