"""What `test_two_hosts.py` runs inside of ``two_hosts.sh``: one worker here, one on host-b.

``python on_two_hosts.py FOLDER`` with flow maps in ``FOLDER/maps``; prints what happened.
"""

import os
import subprocess
import sys
from pathlib import Path

from clusters import Cluster, hmrm
from distributed import Client

from hmrm.engine import worker

HERE = "10.77.0.1"


def main(folder: Path) -> None:
    there = os.environ["HOST_B"].split()
    cluster = Cluster(folder / "cluster", host=HERE)
    try:
        cluster.start_scheduler()
        cluster.start_worker("near")
        cluster.start_worker("far", prefix=there)
        words = ["evaluate", "--data", "maps", "--model", "svm-linear", "--seeds", 4]
        words += ["--engine", cluster.address]
        report("whole", [*words, "-o", "two-hosts"], folder)
        with Client(cluster.address, set_as_default=False) as client:
            worked = client.run(worked_for)
        for address, runs in worked.items():
            sys.stdout.write(f"worked: {address.rpartition(':')[0]} for {runs} run\n")
        hide = ["mount", "-t", "tmpfs", "none", str(folder / "maps")]
        subprocess.run([*there, *hide], check=True)
        # A process that has read the maps keeps them: another one takes its place.
        cluster.kill("far")
        cluster.wait_for_workers(1)
        cluster.start_worker("bare", prefix=there)
        report("bare", [*words, "-o", "refused"], folder)
    finally:
        cluster.close()


def worked_for() -> int:
    return len(worker._PASSED)


def report(what: str, words: list[object], folder: Path) -> None:
    process = hmrm(words, folder)
    printed, _ = process.communicate(timeout=200)
    for line in printed.splitlines():
        sys.stdout.write(f"{what}: {line}\n")
    sys.stdout.write(f"{what}: exit code {process.returncode}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
