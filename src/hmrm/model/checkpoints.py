"""Weight files: safetensors next to a JSON card that states what they are and were trained on.

``NAME.safetensors`` holds the tensors, ``NAME.json`` the card. The card carries the digest of the
tensors' file, so that a pair that does not belong together is noticed. Nothing is ever unpickled.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from hmrm import atomic, config, reading, records
from hmrm.errors import ConfigError, DataError, WeightsError, shortened
from hmrm.model.network import HMRM
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


def save_checkpoint(path: Path, model: HMRM, card: WeightCard) -> None:
    """Write ``path`` (``.safetensors``) and the card next to it (``.json``), each as a whole.

    Raises:
        WeightsError: the card describes another network, or a weight is NaN or infinite.
        OutputError: the files cannot be written.
    """
    path = _tensor_path(path)
    described = (card.config, card.classes, card.action_units)
    if described != (model.config, model.classes, model.action_units):
        raise WeightsError(f"{path}: the card's config, classes or units are not the network's")
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    _require_finite(tensors, path)
    content = save_tensors(tensors)
    table = records.to_json(card)
    table |= {"network": NETWORK, "sha256": hashlib.sha256(content).hexdigest()}
    # Tensors first: with the card written last, a half-finished pair never looks whole.
    atomic.write_bytes(path, content)
    text = json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False)
    atomic.write_text(path.with_suffix(".json"), text + "\n")


def load_checkpoint(
    path: Path, *, expected: HMRMConfig | None = None, allow_untrained: bool = False
) -> tuple[HMRM, WeightCard]:
    """Read a network and its card, in evaluation mode, on the CPU.

    Args:
        expected: the sizes that the caller can use; None takes whatever the card says.
        allow_untrained: also take weights that no step was taken on.

    Raises:
        WeightsError: missing, damaged, for another network or preset, of wrong shapes, holding
            NaN, or never trained.
    """
    path = _tensor_path(path)
    table, content = _read_pair(path)
    card = _card(table, path)
    if hashlib.sha256(content).hexdigest() != table.get("sha256"):
        raise WeightsError(
            f"{path}: damaged, or not the file that {path.with_suffix('.json').name} describes "
            "(digest differs); copy both files again"
        )
    if expected is not None and card.config != expected:
        raise WeightsError(f"{path}: made for another network: {_differences(card, expected)}")
    if card.steps < 1 and not allow_untrained:
        raise WeightsError(f"{path}: random weights, no training step was taken; train them first")
    if card.config.least_parameters > len(content):
        raise WeightsError(
            f"{path.with_suffix('.json')}: describes a larger network than {path.name} can hold; "
            "copy both files again"
        )
    tensors = _parse(content, path)
    _require_finite(tensors, path)
    try:
        model = HMRM(
            card.config,
            classes=card.classes,
            action_units=card.action_units,
            generator=torch.Generator().manual_seed(0),
        )
    except ConfigError as error:
        raise WeightsError(f"{path.with_suffix('.json')}: {error}") from error
    _require_shapes(tensors, model.state_dict(), path)
    model.load_state_dict(tensors)
    return model.eval(), card


def load_model(name_or_path: str | Path) -> tuple[HMRM, WeightCard]:
    """A shipped network by name, e.g. ``hmrm-synthetic``, or any checkpoint by path.

    Raises:
        WeightsError: see `load_checkpoint`; an unknown name lists the known ones.

    Example:
        >>> import hmrm
        >>> network, card = hmrm.load_model("hmrm-synthetic")
        >>> card.classes
        ('negative', 'positive', 'surprise', 'none')
        >>> card.trained_subjects  # no real subject
        ()
    """
    return load_checkpoint(weights_path(name_or_path))


def weights_path(name_or_path: str | Path) -> Path:
    """Where the tensors of a shipped name or of a path lie.

    Raises:
        WeightsError: neither a shipped name nor a file.
    """
    path = _tensor_path(Path(name_or_path))
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


def _tensor_path(path: Path) -> Path:
    """``NAME``, ``NAME.json`` and ``NAME.safetensors`` all mean the same pair."""
    if path.suffix == ".safetensors":
        return path
    if path.suffix == ".json":
        return path.with_suffix(".safetensors")
    return path.with_name(path.name + ".safetensors")


def _read_pair(path: Path) -> tuple[dict[str, Any], bytes]:
    card_path = path.with_suffix(".json")
    try:
        content = reading.read_bytes(path)
        text = reading.read_text(card_path, limit="json_bytes")
    except (OSError, reading.DamagedError) as error:
        raise WeightsError(
            f"{path}: cannot be read with its card {card_path.name} ({error}); both are needed"
        ) from error
    try:
        table = reading.parse_json(text)
    except reading.DamagedError as error:
        raise WeightsError(f"{card_path}: {error}; copy the file again") from error
    if not isinstance(table, dict) or table.get("network") != NETWORK:
        kind = table.get("network") if isinstance(table, dict) else None
        raise WeightsError(
            f"{card_path}: describes network {shortened(kind)}, expected {NETWORK!r}"
        )
    return table, content


def _card(table: Mapping[str, Any], path: Path) -> WeightCard:
    where = str(path.with_suffix(".json"))
    try:
        # Other unknown keys are passed over, but an unknown size means another network.
        config.from_mapping(HMRMConfig, table["config"], where=where)
        known = {**table, "provenance": table.get("provenance") or None}
        return records.from_json(WeightCard, known, where=where)
    except (ConfigError, DataError, KeyError, TypeError) as error:
        raise WeightsError(f"{where}: not a card of this version ({error})") from error


def _parse(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return load_tensors(content)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file ({error}); copy it again") from error


def _require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise WeightsError(
                f"{path}: {name} holds NaN or infinity; the training diverged, take an earlier one"
            )


def _require_shapes(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path
) -> None:
    for name in sorted(set(expected) | set(tensors)):
        got = tuple(tensors[name].shape) if name in tensors else "nothing"
        due = tuple(expected[name].shape) if name in expected else "nothing"
        if got != due:
            raise WeightsError(
                f"{path}: tensor {name} is {got}, the card's config asks for {due}; "
                "the file belongs to another version of the network"
            )


def _differences(card: WeightCard, expected: HMRMConfig) -> str:
    got, due = config.to_mapping(card.config), config.to_mapping(expected)
    lines = [
        f"{name} = {got[name]}, expected {due[name]}" for name in due if got[name] != due[name]
    ]
    return "; ".join(lines) + "; take weights of the same preset or train your own"
