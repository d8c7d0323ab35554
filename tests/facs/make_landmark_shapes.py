"""Rebuild src/hmrm/facs/landmark_shapes.csv: python make_landmark_shapes.py ONSET_LANDMARKS.npz."""

import csv
import sys
from pathlib import Path

import numpy as np

from hmrm.faces.align import apply, canonical_transform
from hmrm.faces.shape import MIRRORED_68

MODES = 16
TARGET = Path(__file__).parents[2] / "src/hmrm/facs/landmark_shapes.csv"


def main(source: Path) -> None:
    points = np.load(source)["points_xy_px"].astype(float)
    crops = np.stack([apply(canonical_transform(p), p) + 0.5 for p in points])
    mirrored = crops[:, list(MIRRORED_68)] * [-1, 1] + [224, 0]
    # Every face with its mirror image: no side of the real sets' head turns is kept.
    every = np.concatenate([crops, mirrored]).reshape(-1, 136)
    _, scales, modes = np.linalg.svd(every - every.mean(axis=0), full_matrices=False)
    rows = modes[:MODES] * scales[:MODES, None] / np.sqrt(len(every))
    with TARGET.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["mode", *(f"{axis}{i}" for i in range(68) for axis in "xy")])
        for number, row in enumerate(rows, start=1):
            writer.writerow([number, *(f"{value:.3f}" for value in row)])
    kept = (scales[:MODES] ** 2).sum() / (scales**2).sum()
    sys.stdout.write(f"{len(points)} faces, {MODES} modes keep {kept:.3f} of the variance\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
