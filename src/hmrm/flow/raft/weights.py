"""Weight files of RAFT: safetensors next to a JSON card; nothing is ever unpickled."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load

from hmrm import reading, records
from hmrm.errors import ConfigError, DataError, WeightsError, shortened
from hmrm.flow.gru_aofe.weights import FlowErrors
from hmrm.flow.raft.network import Raft, RaftConfig
from hmrm.provenance import Stamp
from hmrm.tensor_file import write_weights

NETWORK = "raft"


@dataclass(frozen=True, kw_only=True)
class RaftCard:
    """What a weight file is and where it is from.

    Attributes:
        config: size and refinements.
        trained_on: one sentence.
        checkpoint_sha256: of the published file it was converted from; None if trained here.
        steps: optimiser steps taken here.
        metrics: errors by name of the pairs they were measured on.
        provenance: how they were made, if here.
    """

    config: RaftConfig
    trained_on: str
    checkpoint_sha256: str | None = None
    steps: int = 0
    metrics: Mapping[str, FlowErrors] = field(default_factory=dict)
    provenance: Stamp | None = None


def save_raft_weights(path: Path, network: Raft, card: RaftCard) -> None:
    """Write ``path`` (``.safetensors``) and the card next to it (``.json``), each as a whole.

    Raises:
        WeightsError: another suffix, or a weight is NaN or infinite.
        OutputError: the files cannot be written.
    """
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: weights are written as .safetensors; name the file so")
    write_weights(path, network, card, network=NETWORK)


def load_raft_weights(path: Path) -> tuple[Raft, RaftCard]:
    """Read a network and its card, in evaluation mode, on the CPU.

    Raises:
        WeightsError: missing, damaged, or of another network or shape.
    """
    try:
        content = reading.read_bytes(path)
        table = reading.read_json(path.with_suffix(".json"))
        if table["network"] != NETWORK:
            raise ValueError(f"network {shortened(table['network'])}, expected {NETWORK!r}")
        if hashlib.sha256(content).hexdigest() != table["sha256"]:
            raise ValueError("the digest of the tensors is not the card's")
        for name in ("provenance", "checkpoint_sha256"):
            table[name] = table.get(name) or None
        card = records.from_json(RaftCard, table, where=path.with_suffix(".json").name)
        network = Raft(card.config, generator=torch.Generator().manual_seed(0))
        network.load_state_dict(load(content))
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read with its card {path.stem}.json ({error}); convert a "
            "checkpoint with hmrm weights raft"
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
            f"{path}: damaged, or not weights of RAFT ({error}); convert the checkpoint again with "
            "hmrm weights raft"
        ) from error
    return network.eval(), card
