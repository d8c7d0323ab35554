"""The action-unit table of the atlas: where each unit pulls the skin, which way, how far around.

Written from the appearance changes and muscles that FACS describes (Ekman & Friesen, Facial Action
Coding System, 1978; Ekman, Friesen & Hager, 2nd edition, 2002); weights and spreads are our own
estimates, checked by eye on drawn fields, and no data set was fitted.

Every row describes the image-left half of the face; the right half is its mirror image. Lengths
are in eye distances of the real face (1 = between the eye centres, about 63 mm): x grows towards
image right, which on the image-left half is towards the nose, and y grows downwards. Landmarks are
numbered 0 to 67 as in the usual 68-point layout.

FACS names sides after the person ("L12" is the person's left mouth corner). The package names
sides after the image; in an unmirrored picture the person's left is image right.
"""

from dataclasses import dataclass
from typing import Literal

Lip = Literal["none", "upper", "lower"]


@dataclass(frozen=True)
class Pull:
    """One Gaussian patch of skin that moves.

    Attributes:
        anchor: landmarks whose mean is the patch's centre (image-left half).
        move: (x, y) displacement at the centre, in relative weights.
        spread: (x, y) standard deviations of the falloff, eye distances.
        shift: (x, y) offset of the centre from the landmarks' mean, eye distances.
        lip: "upper" or "lower" keeps the pull on that side of the line between the lips.
    """

    anchor: tuple[int, ...]
    move: tuple[float, float]
    spread: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)
    lip: Lip = "none"


@dataclass(frozen=True)
class UnitRow:
    """One action unit: FACS name, muscle, and its pulls on the image-left half."""

    name: str
    muscle: str
    pulls: tuple[Pull, ...]


# Gaze (61 to 64) turns both eyes the same way, so its right half is not the left one mirrored.
CONJUGATE_UNITS = frozenset({61, 62, 63, 64})

MIRRORED_UNITS = {61: 62, 62: 61}
"""Units that a mirror turns into another unit; all others stay what they are."""

_IRIS = (0.085, 0.055)

TABLE: dict[int, UnitRow] = {
    1: UnitRow(
        "inner brow raiser",
        "frontalis, pars medialis",
        (
            Pull((20, 21), (0.05, -1.0), (0.24, 0.28)),
            Pull((20, 21), (0.05, -0.75), (0.28, 0.25), shift=(0.0, -0.25)),
            Pull((38, 39), (0.0, -0.25), (0.15, 0.09), shift=(0.0, -0.08)),
        ),
    ),
    2: UnitRow(
        "outer brow raiser",
        "frontalis, pars lateralis",
        (
            Pull((18, 19), (-0.08, -1.0), (0.27, 0.26)),
            Pull((17, 18), (-0.05, -0.7), (0.25, 0.25), shift=(0.0, -0.18)),
            Pull((36, 37), (-0.05, -0.3), (0.16, 0.1), shift=(-0.03, -0.08)),
        ),
    ),
    4: UnitRow(
        "brow lowerer",
        "corrugator supercilii, depressor supercilii, procerus",
        (
            Pull((20, 21), (0.45, 0.9), (0.26, 0.2)),
            Pull((18, 19), (0.3, 0.5), (0.25, 0.18)),
            Pull((21, 22, 27), (0.0, 0.35), (0.13, 0.25), shift=(0.0, -0.05)),
            Pull((38, 39), (0.05, 0.25), (0.16, 0.08), shift=(0.0, -0.06)),
        ),
    ),
    5: UnitRow(
        "upper lid raiser",
        "levator palpebrae superioris",
        (
            Pull((37, 38), (0.0, -1.0), (0.17, 0.075)),
            Pull((40, 41), (0.0, 0.15), (0.15, 0.06)),
        ),
    ),
    6: UnitRow(
        "cheek raiser, lid compressor",
        "orbicularis oculi, pars orbitalis",
        (
            Pull((40, 41), (0.12, -1.0), (0.3, 0.2), shift=(-0.05, 0.3)),
            Pull((36,), (0.7, 0.15), (0.16, 0.18), shift=(-0.2, 0.05)),
            Pull((40, 41), (0.05, -0.45), (0.18, 0.08), shift=(0.0, 0.04)),
            Pull((17, 18), (0.2, 0.25), (0.2, 0.14), shift=(0.0, 0.06)),
        ),
    ),
    7: UnitRow(
        "lid tightener",
        "orbicularis oculi, pars palpebralis",
        (
            Pull((40, 41), (0.25, -1.0), (0.19, 0.09), shift=(0.0, 0.04)),
            Pull((37, 38), (0.1, 0.45), (0.17, 0.07)),
            Pull((36,), (0.4, 0.0), (0.1, 0.1), shift=(-0.08, 0.0)),
        ),
    ),
    9: UnitRow(
        "nose wrinkler",
        "levator labii superioris alaeque nasi",
        (
            Pull((31,), (0.1, -1.0), (0.17, 0.2), shift=(-0.05, -0.1)),
            Pull((21, 27), (0.25, 0.55), (0.15, 0.15)),
            Pull((50,), (0.05, -0.6), (0.16, 0.1), lip="upper"),
            Pull((40, 31), (0.2, -0.6), (0.2, 0.18)),
        ),
    ),
    10: UnitRow(
        "upper lip raiser",
        "levator labii superioris",
        (
            Pull((49, 50), (-0.05, -1.0), (0.17, 0.12), lip="upper"),
            Pull((31, 48), (-0.1, -0.75), (0.18, 0.2), shift=(-0.03, 0.0)),
            Pull((31, 40), (-0.05, -0.35), (0.2, 0.2)),
        ),
    ),
    11: UnitRow(
        "nasolabial furrow deepener",
        "zygomaticus minor",
        (
            Pull((31, 48), (-0.4, -1.0), (0.16, 0.2), shift=(-0.04, -0.05)),
            Pull((49,), (-0.15, -0.45), (0.14, 0.1), lip="upper"),
        ),
    ),
    12: UnitRow(
        "lip corner puller",
        "zygomaticus major",
        (
            Pull((48,), (-0.7, -0.9), (0.2, 0.2)),
            Pull((48, 41), (-0.3, -0.6), (0.26, 0.24), shift=(-0.12, 0.05)),
            Pull((49, 59), (-0.5, -0.3), (0.17, 0.14)),
            Pull((31,), (-0.35, -0.2), (0.12, 0.14), shift=(-0.06, 0.05)),
        ),
    ),
    13: UnitRow(
        "sharp lip puller",
        "levator anguli oris",
        (
            Pull((48,), (-0.1, -1.0), (0.15, 0.18)),
            Pull((48, 41), (-0.05, -0.6), (0.2, 0.2), shift=(0.0, 0.1)),
        ),
    ),
    14: UnitRow(
        "dimpler",
        "buccinator",
        (
            Pull((48,), (-1.0, 0.0), (0.17, 0.17)),
            Pull((48,), (0.55, 0.05), (0.14, 0.2), shift=(-0.33, 0.03)),
            Pull((49, 59), (-0.5, 0.0), (0.16, 0.12)),
        ),
    ),
    15: UnitRow(
        "lip corner depressor",
        "depressor anguli oris",
        (
            Pull((48,), (-0.2, 1.0), (0.18, 0.2)),
            Pull((48, 6), (-0.25, 0.6), (0.2, 0.2)),
            Pull((59,), (-0.2, 0.4), (0.15, 0.12)),
            Pull((57, 8), (0.0, -0.15), (0.18, 0.14)),
        ),
    ),
    16: UnitRow(
        "lower lip depressor",
        "depressor labii inferioris",
        (
            Pull((58, 59), (-0.12, 1.0), (0.18, 0.13), lip="lower"),
            Pull((58, 7), (-0.12, 0.55), (0.2, 0.18), lip="lower"),
        ),
    ),
    17: UnitRow(
        "chin raiser",
        "mentalis",
        (
            Pull((57, 8), (0.0, -1.0), (0.2, 0.2), shift=(-0.05, 0.0)),
            Pull((57, 58), (0.0, -0.75), (0.2, 0.12)),
            Pull((51, 62), (0.0, -0.3), (0.2, 0.1), lip="upper"),
            Pull((48,), (0.1, 0.2), (0.13, 0.13), shift=(0.0, 0.05)),
        ),
    ),
    18: UnitRow(
        "lip pucker",
        "incisivii labii superioris and inferioris",
        (
            Pull((48,), (1.0, 0.0), (0.18, 0.16)),
            Pull((49,), (0.6, -0.15), (0.15, 0.12), lip="upper"),
            Pull((59,), (0.6, 0.15), (0.15, 0.12), lip="lower"),
        ),
    ),
    20: UnitRow(
        "lip stretcher",
        "risorius with platysma",
        (
            Pull((48,), (-1.0, 0.15), (0.22, 0.2)),
            Pull((48, 5), (-0.6, 0.25), (0.22, 0.22)),
            Pull((49, 59), (-0.6, 0.05), (0.17, 0.12)),
        ),
    ),
    22: UnitRow(
        "lip funneler",
        "orbicularis oris",
        (
            Pull((48,), (0.7, 0.0), (0.16, 0.15)),
            Pull((50, 51), (0.1, -0.8), (0.16, 0.1), lip="upper"),
            Pull((57, 58), (0.1, 0.8), (0.16, 0.1), lip="lower"),
        ),
    ),
    23: UnitRow(
        "lip tightener",
        "orbicularis oris",
        (
            Pull((48,), (0.55, 0.0), (0.15, 0.12)),
            Pull((49, 50, 51), (0.1, 0.7), (0.2, 0.08), lip="upper"),
            Pull((57, 58, 59), (0.1, -0.8), (0.2, 0.08), lip="lower"),
        ),
    ),
    24: UnitRow(
        "lip pressor",
        "orbicularis oris",
        (
            Pull((49, 50, 51), (0.0, 0.8), (0.24, 0.1), lip="upper"),
            Pull((57, 58, 59), (0.0, -1.0), (0.24, 0.1), lip="lower"),
            Pull((57, 8), (0.0, -0.35), (0.2, 0.15)),
            Pull((48,), (-0.2, 0.0), (0.12, 0.1)),
        ),
    ),
    25: UnitRow(
        "lips part",
        "depressor labii inferioris, or relaxed mentalis or orbicularis oris",
        (
            Pull((49, 50, 51), (0.0, -0.4), (0.22, 0.1), lip="upper"),
            Pull((57, 58, 59), (0.0, 1.0), (0.22, 0.12), lip="lower"),
        ),
    ),
    26: UnitRow(
        "jaw drop",
        "relaxed masseter, internal pterygoid and temporalis",
        (
            Pull((57, 8), (0.0, 1.0), (0.42, 0.3), shift=(-0.1, 0.05), lip="lower"),
            Pull((48, 5), (0.1, 0.3), (0.25, 0.25), lip="lower"),
        ),
    ),
    27: UnitRow(
        "mouth stretch",
        "pterygoids, digastric",
        (
            Pull((57, 8), (0.0, 1.0), (0.5, 0.38), shift=(-0.1, 0.08), lip="lower"),
            Pull((48,), (0.3, 0.45), (0.22, 0.25)),
            Pull((50, 51), (0.0, -0.15), (0.2, 0.1), lip="upper"),
        ),
    ),
    28: UnitRow(
        "lip suck",
        "orbicularis oris",
        (
            Pull((49, 50, 51), (0.05, 0.9), (0.24, 0.11), lip="upper"),
            Pull((57, 58, 59), (0.05, -1.0), (0.24, 0.11), lip="lower"),
            Pull((57, 8), (0.0, -0.45), (0.24, 0.16)),
            Pull((48,), (0.3, 0.0), (0.14, 0.12)),
        ),
    ),
    38: UnitRow(
        "nostril dilator",
        "nasalis, pars alaris",
        (Pull((31,), (-1.0, 0.1), (0.1, 0.1)),),
    ),
    43: UnitRow(
        "eyes closed",
        "relaxed levator palpebrae superioris",
        (
            Pull((37, 38), (0.0, 1.0), (0.17, 0.085)),
            Pull((40, 41), (0.05, -0.15), (0.16, 0.06)),
            Pull((18, 19), (0.0, 0.1), (0.25, 0.12)),
        ),
    ),
    45: UnitRow(
        "blink",
        "relaxed levator palpebrae superioris, orbicularis oculi, pars palpebralis",
        (
            Pull((37, 38), (0.05, 1.0), (0.17, 0.085)),
            Pull((40, 41), (0.12, -0.2), (0.17, 0.06)),
            Pull((18, 19), (0.0, 0.12), (0.25, 0.12)),
        ),
    ),
    61: UnitRow("eyes turn to image left", "recti", (Pull((36, 39), (-1.0, 0.0), _IRIS),)),
    62: UnitRow("eyes turn to image right", "recti", (Pull((36, 39), (1.0, 0.0), _IRIS),)),
    63: UnitRow("eyes up", "recti", (Pull((36, 39), (0.0, -1.0), _IRIS),)),
    64: UnitRow("eyes down", "recti", (Pull((36, 39), (0.0, 1.0), _IRIS),)),
}
"""Action unit → row. All units that annotations of micro-expressions name, plus blink and gaze.

FACS numbers 61 and 62 mean the person's left and right; here they mean the image's.
"""
