"""Cards of weight files: what the weights are, what they have seen; read without torch.

``NAME.safetensors`` holds the tensors, ``NAME.onnx`` the same network for OpenCV where it was
exported, ``NAME.json`` the card of both. The card carries the digest of the tensors' file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hmrm import config, reading, records
from hmrm.errors import ConfigError, DataError, WeightsError, shortened
from hmrm.model.sizes import HMRMConfig
from hmrm.provenance import Stamp

SHIPPED = Path(__file__).resolve().parents[1] / "weights"
NETWORK = "hmrm"


@dataclass(frozen=True, kw_only=True)
class WeightCard:
    """What a weight file is, what it has seen and what it reached.

    Attributes:
        config: sizes of the network.
        classes: names in label order.
        crop: face crop of the maps it was trained on (``faces/align.py``).
        trained_on: one sentence about the training data.
        trained_subjects: ``dataset/subject`` of every real subject seen; empty for synthetic data.
        trained_clips: ids of every real clip seen.
        steps: optimiser steps taken; 0 means random weights.
        action_units: names of the action-unit head, if any.
        metrics: figures with the data they were measured on, by name.
        limits: what the weights cannot do, one sentence each.
        provenance: how they were made.
    """

    config: HMRMConfig
    classes: tuple[str, ...]
    crop: str
    trained_on: str
    steps: int
    trained_subjects: tuple[str, ...] = ()
    trained_clips: tuple[str, ...] = ()
    action_units: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    provenance: Stamp | None = None


def read_card(path: Path, *, allow_untrained: bool = False) -> tuple[WeightCard, str]:
    """The card of a ``.safetensors`` file, and the digest of the tensors that it states.

    Raises:
        WeightsError: missing, damaged, another network's, or of weights that were never trained.
    """
    card_path = path.with_suffix(".json")
    try:
        table = reading.parse_json(reading.read_text(card_path, limit="json_bytes"))
    except OSError as error:
        raise WeightsError(
            f"{card_path}: the card of these weights cannot be read "
            f"({error.strerror or error}); keep it next to the .safetensors or .onnx file"
        ) from error
    except reading.DamagedError as error:
        raise WeightsError(f"{card_path}: {error}; copy the file again") from error
    if not isinstance(table, dict) or table.get("network") != NETWORK:
        kind = table.get("network") if isinstance(table, dict) else None
        raise WeightsError(
            f"{card_path}: describes network {shortened(kind)}, expected {NETWORK!r}"
        )
    card = _card(table, path)
    if card.steps < 1 and not allow_untrained:
        raise WeightsError(f"{path}: random weights, no training step was taken; train them first")
    return card, str(table.get("sha256"))


def weights_path(name_or_path: str | Path) -> Path:
    """Where the tensors of a shipped name or of a path lie.

    Raises:
        WeightsError: neither a shipped name nor a file.
    """
    path = tensor_path(Path(name_or_path))
    if path.is_file():
        return path
    shipped = SHIPPED / path.name
    if str(name_or_path) == path.stem and shipped.is_file():
        return shipped
    known = ", ".join(shipped_names()) or "none"
    raise WeightsError(
        f"weights {str(name_or_path)!r}: no such file and no shipped name (shipped: {known}); "
        "give the path of a .safetensors file with its .json next to it"
    )


def onnx_path(name_or_path: str | Path) -> Path | None:
    """Where the exported network of a shipped name or of a path lies; None where there is none."""
    path = tensor_path(Path(name_or_path)).with_suffix(".onnx")
    if path.is_file():
        return path
    shipped = SHIPPED / path.name
    return shipped if str(name_or_path) == path.stem and shipped.is_file() else None


def shipped_names() -> tuple[str, ...]:
    """Names of the recognition networks in the package."""
    names = []
    for card in sorted(SHIPPED.glob("*.json")):
        try:
            table = json.loads(card.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if isinstance(table, dict) and table.get("network") == NETWORK:
            names.append(card.stem)
    return tuple(names)


def tensor_path(path: Path) -> Path:
    """``NAME``, ``NAME.json``, ``NAME.onnx`` and ``NAME.safetensors`` all mean the same weights."""
    if path.suffix == ".safetensors":
        return path
    if path.suffix in (".json", ".onnx"):
        return path.with_suffix(".safetensors")
    return path.with_name(path.name + ".safetensors")


def _card(table: Mapping[str, Any], path: Path) -> WeightCard:
    where = str(path.with_suffix(".json"))
    try:
        # Other unknown keys are passed over, but an unknown size means another network.
        config.from_mapping(HMRMConfig, table["config"], where=where)
        known = {**table, "provenance": table.get("provenance") or None}
        return records.from_json(WeightCard, known, where=where)
    except (ConfigError, DataError, KeyError, TypeError) as error:
        raise WeightsError(f"{where}: not a card of this version ({error})") from error
