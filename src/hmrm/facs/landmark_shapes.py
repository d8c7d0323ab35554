"""How real faces differ: the main variations of 68 landmarks in the canonical crop.

``landmark_shapes.csv`` holds the first principal components (each scaled to one standard
deviation) of 578 real landmark sets after alignment, around the mean of ``faces/shape.py``. They
were computed from the landmark file of the Vision-Intelligence-and-Robots-Group (MIT licence, see
NOTICE) by ``tests/facs/make_landmark_shapes.py``; no single face can be read from them.
"""

import csv
from functools import cache
from importlib import resources

import numpy as np
from jaxtyping import Float

from hmrm.faces.align import canonical_landmarks68
from hmrm.facs.atlas import IMAGE_PX


@cache
def landmark_modes() -> Float[np.ndarray, "k 68 2"]:
    """One standard deviation along each main variation, px of the canonical crop."""
    text = (resources.files("hmrm.facs") / "landmark_shapes.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    modes = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 68, 2)
    modes.setflags(write=False)
    return modes


def draw_landmarks(rng: np.random.Generator, *, spread: float = 1.0) -> Float[np.ndarray, "68 2"]:
    """A random face: the mean plus normal multiples of the main variations.

    Args:
        spread: 1 gives the variation of the real sets, 0 the mean face.

    Returns:
        px of the canonical crop (``IMAGE_PX``), as aligned by eyes, nose and mouth.
    """
    modes = landmark_modes()
    # Beyond 2.5 standard deviations in one direction the linear model gives faces nobody has.
    weights = spread * rng.standard_normal(len(modes)).clip(-2.5, 2.5)
    return canonical_landmarks68() * IMAGE_PX + np.tensordot(weights, modes, axes=1)
