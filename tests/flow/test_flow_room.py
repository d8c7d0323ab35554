"""The room as a whole: what it loads, and that its benchmark runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOW = ROOT / "src/hmrm/flow"
NETWORKS = ("gru_aofe.", "raft.")
LIGHT_ESTIMATOR = {"gru_aofe.estimator", "gru_aofe.edges", "raft.estimator"}


def test_only_the_networks_need_torch():
    names = [".".join(p.relative_to(FLOW).with_suffix("").parts) for p in FLOW.rglob("*.py")]
    modules = [n for n in names if not n.startswith(NETWORKS) or n in LIGHT_ESTIMATOR]
    code = "import sys\nfor name in ('torch', 'einops', 'sklearn'): sys.modules[name] = None\n"
    code += "".join(f"import hmrm.flow.{name}\n" for name in modules)
    # matplotlib takes a second, so it is loaded only where something is plotted
    code += "assert 'matplotlib' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_quick_benchmark_runs(tmp_path: Path):
    result, page = tmp_path / "flow.json", tmp_path / "flow.md"
    methods = ["zero flow", "dis", "farneback"]
    command = [sys.executable, "-m", "benchmarks.flow", "--quick", "--methods", *methods]
    subprocess.run([*command, "--json", str(result), "--page", str(page)], cwd=ROOT, check=True)
    found = json.loads(result.read_text())
    assert list(found["methods"]) == methods
    columns = found["methods"]["dis"]["columns"]
    assert columns["px_1"]["pairs"] == 4
    assert 0 < columns["px_1"]["epe_px"] < columns["px_1"]["zero_epe_px"]
    assert found["methods"]["zero flow"]["columns"]["static"]["length_px"] == 0
    assert "| dis |" in page.read_text()
