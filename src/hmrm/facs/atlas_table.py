"""The action-unit table of the atlas (``atlas.toml``, where its numbers are explained), read.

FACS names sides after the person ("L12" is the person's left mouth corner). The package names
sides after the image; in an unmirrored image the person's left is image right.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from hmrm import config

Lip = Literal["none", "upper", "lower"]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """One action unit.

    Attributes:
        number: FACS number.
        name, muscle: FACS's.
        pulls: on the image-left half.
        conjugate: both eyes turn the same way, so the right half is not the left one mirrored.
        mirror: number of the unit that a mirror turns it into; None: it stays what it is.
    """

    number: int
    name: str
    muscle: str
    pulls: tuple[Pull, ...]
    conjugate: bool = False
    mirror: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Atlas:
    units: tuple[UnitRow, ...]


def _read() -> dict[int, UnitRow]:
    text = resources.files("hmrm.facs").joinpath("atlas.toml").read_text("utf-8")
    atlas = config.from_mapping(_Atlas, tomllib.loads(text), where="atlas.toml of hmrm")
    return {row.number: row for row in atlas.units}


TABLE: Mapping[int, UnitRow] = _read()
"""Action unit → row. All units that annotations of micro-expressions name, plus blink and gaze."""

CONJUGATE_UNITS = frozenset(number for number, row in TABLE.items() if row.conjugate)

MIRRORED_UNITS = {number: row.mirror for number, row in TABLE.items() if row.mirror is not None}
"""Units that a mirror turns into another unit; all others stay what they are."""
