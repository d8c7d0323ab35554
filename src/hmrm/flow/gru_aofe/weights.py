"""Weight files of the flow network: safetensors next to a JSON card; nothing is ever unpickled."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load

from hmrm import config, reading, records
from hmrm.errors import ConfigError, DataError, WeightsError, shortened
from hmrm.flow.gru_aofe.network import GruAofe, GruAofeConfig
from hmrm.provenance import Stamp
from hmrm.tensor_file import write_weights

NETWORK = "gru-aofe"


@dataclass(frozen=True, kw_only=True)
class FlowErrors:
    """Mean end-point errors on pairs with known flow, px.

    Attributes:
        epe_px: over all pixels.
        zero_epe_px: that of the answer that nothing moves.
        static_px: where a whole pair stands still.
        by_motion: lower bound of the true motion in px → error, and that of zero flow.
    """

    epe_px: float
    zero_epe_px: float
    static_px: float
    by_motion: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class FlowCard:
    """What a weight file is, what it has seen and what it reached.

    Attributes:
        config: sizes of the network.
        trained_on: one sentence about the training data.
        steps: optimiser steps taken; 0 means random weights.
        metrics: errors by name of the pairs they were measured on.
        provenance: how they were made.
    """

    config: GruAofeConfig
    trained_on: str
    steps: int
    metrics: Mapping[str, FlowErrors] = field(default_factory=dict)
    provenance: Stamp | None = None


def save_flow_weights(path: Path, network: GruAofe, card: FlowCard) -> None:
    """Write ``path`` (``.safetensors``) and the card next to it (``.json``), each as a whole.

    Raises:
        WeightsError: the card describes another network, or a weight is NaN or infinite.
        OutputError: the files cannot be written.
    """
    if card.config != network.config:
        raise WeightsError(f"{path}: the card's config is not the network's")
    write_weights(path, network, card, network=NETWORK)


def load_flow_weights(path: Path) -> tuple[GruAofe, FlowCard]:
    """Read a network and its card, in evaluation mode, on the CPU.

    Raises:
        WeightsError: missing, damaged, of another network or shape, or never trained.
    """
    try:
        content = reading.read_bytes(path)
        table = reading.read_json(path.with_suffix(".json"))
        if table["network"] != NETWORK:
            raise ValueError(f"network {shortened(table['network'])}, expected {NETWORK!r}")
        if hashlib.sha256(content).hexdigest() != table["sha256"]:
            raise ValueError("the digest of the tensors is not the card's")
        # Other unknown keys are passed over, but an unknown size means another network.
        config.from_mapping(GruAofeConfig, table["config"])
        table["provenance"] = table.get("provenance") or None
        card = records.from_json(FlowCard, table, where=path.with_suffix(".json").name)
        if card.config.least_parameters > len(content):
            raise ValueError("its card describes a larger network than the file can hold")
        network = GruAofe(card.config, generator=torch.Generator().manual_seed(0))
        network.load_state_dict(load(content))
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read with its card {path.stem}.json ({error}); both are needed"
        ) from error
    except (
        ConfigError,
        DataError,
        KeyError,
        RuntimeError,
        TypeError,
        ValueError,
        safetensors.SafetensorError,
    ) as error:
        raise WeightsError(
            f"{path}: damaged, or not weights of this flow network ({error}); copy both files again"
        ) from error
    if card.steps < 1:
        raise WeightsError(f"{path}: random weights, no training step was taken; train them first")
    return network.eval(), card
