"""A CSV that counts: movements per video, per face and per minute, over one or several videos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmrm import atomic
from hmrm.analysis.export.sidecar import write_sidecar
from hmrm.analysis.export.tables import csv_text, summary_table
from hmrm.analysis.record import Analysis


def write(path: Path, analyses: Sequence[Analysis]) -> tuple[Path, ...]:
    """Write the counts, and a sidecar that describes the columns.

    Raises:
        OutputError: a file cannot be written.
    """
    tables = [summary_table(one) for one in analyses]
    table = {
        name: np.concatenate([one[name].astype(object) for one in tables]) for name in tables[0]
    }
    atomic.write_text(path, csv_text(table))
    return path, write_sidecar(path.with_suffix(".json"), analyses, table)
