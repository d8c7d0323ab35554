"""The demo clip: a public-domain portrait smiles by about one pixel. Never used in training."""

import csv
from importlib import resources

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from hmrm.facs.atlas import ActionUnit
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip

DEMO_SEED = 20261121


def demo_face() -> tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "68 2"]]:
    """The portrait (RGB) and its 68 landmarks, px, set by hand.

    Eileen Collins, NASA, public domain; see NOTICE. NASA endorses nothing here.
    """
    folder = resources.files("hmrm.synthetic")
    encoded = np.frombuffer((folder / "demo_face.png").read_bytes(), np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    assert image is not None, "demo_face.png in the package cannot be decoded"
    rows = (folder / "demo_face_landmarks.csv").read_text(encoding="utf-8").splitlines()
    points = np.array([[float(x), float(y)] for _, x, y in csv.reader(rows[1:])])
    return image, points


def demo_clip(*, seed: int = DEMO_SEED) -> RenderedClip:
    """A clip of 4 s at 100 frames/s, 640 × 480: head motion, noise, blinks, and a 0.3 s smile.

    The smile is AU12 by 1.0 px and AU6 by 0.6 px of the canonical crop (224 px wide); with eyes
    108 px apart that is at most 0.85 px of the frame. When it happens is in ``RenderedClip.truth``.
    """
    image, points = demo_face()
    smile = Expression(
        units=(ActionUnit(12, "both", 1.0), ActionUnit(6, "both", 0.6)),
        onset_s=1.8,
        rise_s=0.13,
        hold_s=0.04,
        decay_s=0.13,
    )
    generator = np.random.default_rng(seed)
    return render_clip(image, points, [smile], ClipConfig(), rng=generator)
