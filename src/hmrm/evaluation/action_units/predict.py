"""Action units that a network with such a head sees in flow maps, as the table that is scored."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hmrm import atomic
from hmrm.csv_cells import Writer
from hmrm.evaluation.action_units.found import FILE_NAME
from hmrm.flow.mapset import MapSet, canonical_maps


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitProbabilities:
    """What a network says of each clip.

    Attributes:
        units: names of the columns, ``AU12``.
        probabilities: 0 to 1; not calibrated on real clips.
    """

    ids: tuple[str, ...]
    units: tuple[str, ...]
    probabilities: Float[np.ndarray, "n k"]


def predict_units(weights: str, mapset: MapSet) -> UnitProbabilities | None:
    """Action units in every clip of a folder; None where the network has no such head.

    Maps and their mirror images are scored, as for classes: a unit counts whichever side it shows
    on; see `hmrm.model.fitted_network.FittedHmrm.action_units`.

    Raises:
        WeightsError: see `hmrm.model.checkpoints.load_model`.
        DataError: maps of a wrong size, or without any motion.
        NumericalError: NaN or infinity in a map.
    """
    from hmrm.model.checkpoints import load_model
    from hmrm.model.fitted_network import FittedHmrm

    network, card = load_model(weights)
    if not card.action_units:
        return None
    fitted = FittedHmrm(network=network)
    maps = canonical_maps(mapset)
    fitted.check(maps)
    found = fitted.action_units(maps)
    return UnitProbabilities(ids=mapset.ids, units=card.action_units, probabilities=found)


def write_units(folder: Path, found: UnitProbabilities) -> Path:
    """Write ``action_units.csv``: ``id`` and one probability for each unit (``p_AU12``).

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    table = Writer(text)
    table.writerow(["id", *(f"p_{name}" for name in found.units)])
    for clip, row in zip(found.ids, found.probabilities.tolist(), strict=True):
        table.writerow([clip, *(f"{p:.4f}" for p in row)])
    path = folder / FILE_NAME
    atomic.write_text(path, text.getvalue())
    return path
