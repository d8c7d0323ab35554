"""A run over two hosts: namespaces with a network between them stand for the second one."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from clusters import WHY_NOT, environment, hmrm
from test_cluster import contents

from hmrm.errors import EngineError
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout

HERE = Path(__file__).parent
HOSTS = ["unshare", "--map-root-user", "--net", "--uts", "--mount", "sh", HERE / "two_hosts.sh"]


def why_not() -> str:
    """Why there can be no second host; empty where there can be one."""
    if WHY_NOT or not all(map(shutil.which, ("unshare", "nsenter", "ip", "hostname", "mount"))):
        return WHY_NOT or "no unshare, nsenter, ip, hostname or mount"
    tried = subprocess.run([*HOSTS, "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()[-200:]}"


@pytest.mark.slow
def test_two_hosts_give_the_bytes_of_one_and_a_host_without_the_data_is_named(
    tmp_path: Path,
) -> None:
    if reason := why_not():
        pytest.skip(reason)
    made = synthesize_maps(subjects=2, clips=3, noise=0.5, generator=np.random.default_rng(0))
    write_layout(tmp_path / "maps", made, layout="prepared")
    local = hmrm(
        ["evaluate", "--data", "maps", "--model", "svm-linear", "--seeds", 4, "-o", "local"],
        tmp_path,
    )
    local.communicate(timeout=200)
    assert local.returncode == 0
    done = subprocess.run(
        [*HOSTS, sys.executable, HERE / "on_two_hosts.py", tmp_path],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    assert "2 workers at 2 network addresses" in printed
    assert "whole: exit code 0" in printed, printed
    for address in ("10.77.0.1", "10.77.0.2"):
        assert f"worked: tcp://{address} for 1 run" in printed, printed
    assert contents(tmp_path / "two-hosts") == contents(tmp_path / "local")
    assert f"bare: exit code {EngineError.exit_code}" in printed
    assert re.search(r"worker tcp://10\.77\.0\.2:\d+ on host host-b: \S+/maps: ", printed), printed
    assert not (tmp_path / "refused").exists()
