"""The true flows of pairs of images, and the errors of estimated ones as a table."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from hmrm import atomic
from hmrm.csv_cells import Writer
from hmrm.errors import InputError
from hmrm.flow.files.formats import FORMATS
from hmrm.flow.metrics import OUTLIER_PX, FlowScores, mean_scores

SCORE_SUFFIXES = (".csv", ".json")


def find_truth(source: Path, pairs: Mapping[str, Sequence[str]]) -> dict[str, Path]:
    """The flow file of every pair.

    Args:
        source: one flow file, for one pair; or a folder of ``NAME.flo`` or, as FlyingChairs has
            it, ``NAME_flow.flo`` or ``NAME-flow_01.flo`` (or .png, .pfm, .npy).
        pairs: name of each pair → further names of its file, before the suffix.

    Raises:
        InputError: one file for several pairs, no such file or folder, or a pair without its one
            file.
    """
    if not source.is_dir():
        if len(pairs) > 1:
            raise InputError(f"{source}: one flow file for {len(pairs)} pairs; give a folder")
        if not source.is_file():
            raise InputError(f"{source}: no such flow file or folder; give the true flow")
        return dict.fromkeys(pairs, source)
    there = sorted(p for p in source.iterdir() if p.suffix.lower() in FORMATS and p.is_file())
    found: dict[str, Path] = {}
    for name, others in pairs.items():
        known = (name, f"{name}_flow", f"{name}-flow", f"{name}-flow_01", *others)
        files = [path for path in there if path.stem in known]
        if len(files) != 1:
            what = ", ".join(path.name for path in files) or "none"
            raise InputError(
                f"{source}: needs one true flow of the pair {name}, has {what}; expected "
                f"{name}.flo or {name}_flow.flo (or {', '.join(s for s in FORMATS if s != '.flo')})"
            )
        found[name] = files[0]
    return found


def write_scores(path: Path, scores: Mapping[str, FlowScores]) -> None:
    """Write the errors of every pair as a table (.csv), or with their mean (.json).

    Raises:
        InputError: another suffix.
        OutputError: the file cannot be written.
    """
    if path.suffix.lower() not in SCORE_SUFFIXES:
        raise InputError(f"{path}: unknown suffix; use {' or '.join(SCORE_SUFFIXES)}")
    if path.suffix.lower() == ".json":
        table = {
            "outliers_above_px": OUTLIER_PX,
            "mean": asdict(mean_scores(list(scores.values()))),
            "pairs": {name: asdict(one) for name, one in scores.items()},
        }
        atomic.write_text(path, json.dumps(table, indent=1) + "\n")
        return
    single = [one.name for one in fields(FlowScores) if one.name != "outliers"]
    text = io.StringIO()
    writer = Writer(text)
    writer.writerow(["pair", *single, *(f"above_{limit:g}_px" for limit in OUTLIER_PX)])
    for name, one in scores.items():
        numbers = [*(getattr(one, key) for key in single), *one.outliers]
        writer.writerow([name, *(f"{number:.6g}" for number in numbers)])
    atomic.write_text(path, text.getvalue())
