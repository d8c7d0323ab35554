"""Reasons of one movement, and the sentence that is made of its action units."""

from collections.abc import Sequence

from hmrm.analysis.explain.units import likely_units
from hmrm.analysis.settings import Classification
from hmrm.clip import Counterfactual, FlowMap, LikelyUnit, Reasons

MOST_UNITS = 3
"""Of a sentence: weaker units are less often right."""

LEADING = 2
"""Regions that are named."""

_WORDS = {
    1: "inner brows raised",
    2: "outer brows raised",
    4: "brows lowered",
    5: "upper lids raised",
    6: "cheeks raised",
    7: "lids tightened",
    9: "nose wrinkled",
    10: "upper lip raised",
    11: "fold next to the nose deepened",
    12: "lip corners up and out",
    13: "lip corners straight up",
    14: "lip corners pulled in",
    15: "lip corners down",
    16: "lower lip down",
    17: "chin raised",
    18: "lips puckered",
    20: "lips stretched",
    22: "lips funnelled",
    23: "lips tightened",
    24: "lips pressed",
    25: "lips parted",
    26: "jaw dropped",
    27: "mouth stretched",
    28: "lips sucked in",
    45: "eyes closed",
}


def reasons(flow_map: FlowMap, found: Classification | None) -> Reasons:
    """Why a movement has its class; without a class, which action units it looks like."""
    units = likely_units(flow_map, None if found is None else found.unit_probabilities)
    return Reasons(
        regions={} if found is None else found.contributions,
        units=units,
        sentence=sentence(units),
        counterfactual=None if found is None else found.counterfactual,
    )


def sentence(units: Sequence[LikelyUnit]) -> str:
    """Likely action units in words; "" for none.

    Example:
        >>> from hmrm.analysis.explain.reasons import sentence
        >>> from hmrm.clip import LikelyUnit
        >>> smile = LikelyUnit(number=12, side="both", px=0.8)
        >>> sentence([smile, LikelyUnit(number=6, side="both", px=0.5)])
        'lip corners up and out on both sides, 0.8 px: AU12; cheeks raised: AU6'
    """
    parts = []
    for place, unit in enumerate(units[:MOST_UNITS]):
        words = _WORDS.get(unit.number, "motion")
        if unit.side != "both":
            words += f" on the {unit.side} of the image"
        elif place == 0:
            words += " on both sides"
        if place == 0:
            words += f", {unit.px:.1f} px"
        parts.append(f"{words}: AU{unit.number}")
    return "; ".join(parts)


def leading_text(reasons: Reasons) -> str:
    """The two regions whose motion adds most to the class, in words; "" where not known."""
    return " and the ".join(name.replace("_", " ") for name in list(reasons.regions)[:LEADING])


def counterfactual_text(other: Counterfactual) -> str:
    """Which region's motion changes the class, and to what."""
    return f"Without the {other.region.replace('_', ' ')} it would be “{other.label}”"
