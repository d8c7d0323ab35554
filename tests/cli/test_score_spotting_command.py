"""hmrm score-spotting, from outside."""

import json
import subprocess
import sys
from pathlib import Path

TRUTH = "subject,video,onset,offset,type\n1,a,0,9,micro\n1,a,20,29,micro\n1,a,40,90,macro\n"
FOUND = "subject,video,onset,offset,type,score\n1,a,1,10,micro,0.9\n1,b,3,8,micro,0.2\n"


def hmrm(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hmrm", *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_the_table_and_the_json(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(TRUTH)
    (tmp_path / "found.csv").write_text(FOUND)
    output = tmp_path / "scores.json"
    sides = ("--truth", tmp_path / "truth.csv", "--found", tmp_path / "found.csv")
    done = hmrm("score-spotting", *sides, "-o", output)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:4]}
    assert rows["micro"] == ["2", "2", "1", "1", "1", "0.5000", "0.5000", "0.5000"]
    assert rows["macro"] == ["1", "0", "0", "0", "1", "0.0000", "0.0000", "0.0000"]
    assert rows["all"][-1] == "0.4000"
    assert "1_b" in done.stderr
    stored = json.loads(output.read_text())
    assert stored["counts"]["all"]["true_positives"] == 1
    assert [p["threshold"] for p in stored["curves"]["micro"]] == [0.9, 0.2]
    assert set(stored["inputs"]) == {"truth.csv", "found.csv"}


def test_one_frame_off_is_an_option(tmp_path: Path) -> None:
    (tmp_path / "truth.txt").write_text("1 a micro 1 5 10\n")
    (tmp_path / "found.csv").write_text("subject,video,onset,offset,type\n1,a,5,9,micro\n")
    sides = ("--truth", tmp_path / "truth.txt", "--found", tmp_path / "found.csv")
    # 5 of 10 frames once both count from 0: frames 0 to 9 and 5 to 9; before, 5 of 1 to 10.
    assert "1.0000" in hmrm("score-spotting", *sides, "--truth-first-frame", 1).stdout
    (tmp_path / "found.csv").write_text("subject,video,onset,offset,type\n1,a,0,4,micro\n")
    assert "1.0000" not in hmrm("score-spotting", *sides).stdout
    assert "1.0000" in hmrm("score-spotting", *sides, "--truth-first-frame", 1).stdout


def test_errors_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(TRUTH)
    (tmp_path / "bad.csv").write_text("video,onset,offset\na,9,3\n")
    done = hmrm(
        "score-spotting", "--truth", tmp_path / "truth.csv", "--found", tmp_path / "bad.csv"
    )
    assert done.returncode == 3
    assert "bad.csv line 2" in done.stderr
    assert "Traceback" not in done.stderr
    sides = ("--truth", tmp_path / "truth.csv", "--found", tmp_path / "truth.csv")
    assert hmrm("score-spotting", *sides, "--micro-frames", "9-3").returncode == 6
