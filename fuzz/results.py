"""What became of each input, kept as lines of JSON, so that a run can be resumed."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

from fuzz.verdict import Verdict, from_mapping

LOG, FAULTS = "results.jsonl", "faults"
_KEPT_OF_EACH = 25
_MOST_BYTES = 1 << 26


class Results:
    """The log of a run and the inputs that failed.

    Args:
        folder: of the run; what it holds from an earlier start counts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.verdicts = [from_mapping(line) for line in self._lines()]
        self._kept = Counter(fault for one in self.verdicts for fault in one.faults)

    @property
    def done(self) -> set[int]:
        """Numbers of the inputs that have a verdict."""
        return {one.number for one in self.verdicts}

    def add(self, found: Verdict) -> None:
        """Write a verdict down."""
        self.verdicts.append(found)
        with (self._folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(found.to_mapping()) + "\n")

    def keep(self, found: Verdict, case: Path) -> None:
        """Take a failing input with its command; of each fault the first few."""
        fault = found.faults[0]
        self._kept[fault] += 1
        if self._kept[fault] <= _KEPT_OF_EACH:
            self._copy(found, case)
        shutil.rmtree(case, ignore_errors=True)

    def _copy(self, found: Verdict, case: Path) -> None:
        place = self._folder / FAULTS / f"{found.number:06d}-{found.reader}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if _size(case / "in") < _MOST_BYTES:
            shutil.copytree(case / "in", place / "in", symlinks=True)
        lines = [found.command, *found.damage, *found.faults, "", found.detail]
        (place / "command.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _lines(self) -> list[dict[str, object]]:
        path = self._folder / LOG
        if not path.exists():
            return []
        # A kill may have left the last line unfinished.
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return [json.loads(line) for line in lines]


def _size(folder: Path) -> int:
    """Bytes below a folder; links are not followed."""
    total = 0
    for root, _, files in os.walk(folder):
        total += sum((Path(root) / name).lstat().st_size for name in files)
    return total
