"""FlyingChairs (Dosovitskiy et al. 2015): 22,872 rendered pairs with flow, 512 × 384 px.

Layout, as downloaded: ``data/00001_img1.ppm``, ``data/00001_img2.ppm``, ``data/00001_flow.flo``,
and ``FlyingChairs_train_val.txt`` (or ``chairs_split.txt``) with 1 (training) or 2 (validation)
on the line of each pair.
"""

from pathlib import Path
from typing import Literal

from hmrm import reading
from hmrm.errors import DataError, shortened
from hmrm.flow.files.samples import FlowSample

SPLIT_FILES = ("FlyingChairs_train_val.txt", "chairs_split.txt")

_CODES = {"training": "1", "validation": "2"}


def flying_chairs(
    folder: Path, *, split: Literal["training", "validation"] = "training"
) -> list[FlowSample]:
    """The pairs of one split, in the order of their numbers.

    Args:
        folder: ``FlyingChairs_release``.

    Raises:
        DataError: no data, no split file, a pair without all its files, or a split file that does
            not fit.
    """
    data = folder / "data"
    flows = sorted(data.glob("*_flow.flo"))
    if not flows:
        raise DataError(f"{data}: holds no NNNNN_flow.flo; give the folder FlyingChairs_release")
    codes = _split(folder)
    if len(codes) != len(flows):
        raise DataError(f"{folder}: {len(flows)} flows, but the split file has {len(codes)} lines")
    samples = []
    for flow, code in zip(flows, codes, strict=True):
        if code != _CODES[split]:
            continue
        number = flow.name.removesuffix("_flow.flo")
        onset, apex = (data / f"{number}_img{i}.ppm" for i in (1, 2))
        for path in (onset, apex):
            if not path.is_file():
                raise DataError(f"{path}: missing next to {flow.name}; copy the data set again")
        samples.append(FlowSample(onset=onset, apex=apex, flow=flow))
    return samples


def _split(folder: Path) -> list[str]:
    for name in SPLIT_FILES:
        path = folder / name
        if path.is_file():
            try:
                codes = reading.read_text(path).split()
            except (OSError, reading.DamagedError) as error:
                raise DataError(f"{path}: {error}; copy it again") from error
            wrong = sorted(set(codes) - set(_CODES.values()))
            if wrong:
                raise DataError(f"{path}: {shortened(wrong[0])} on a line; expected 1 or 2")
            return codes
    raise DataError(
        f"{folder}: no {' or '.join(SPLIT_FILES)}; copy the split file, which the authors offer "
        "with the data, into the folder"
    )
