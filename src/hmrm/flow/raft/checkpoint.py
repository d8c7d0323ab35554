"""Published checkpoints of RAFT, read without unpickling objects and written as safetensors.

Two kinds circulate: torchvision's (``raft_large_*.pth``, ``raft_small_*.pth``) and the authors'
(princeton-vl/RAFT, ``raft-things.pth`` and others), whose names are translated here. Which of the
two networks a file holds is seen from its tensors.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hmrm import limits, provenance
from hmrm.errors import WeightsError, shortened
from hmrm.flow.raft.network import Raft, RaftConfig, Size
from hmrm.flow.raft.weights import RaftCard, save_raft_weights

_ENCODERS = {"fnet": "feature_encoder", "cnet": "context_encoder"}
_MOTION = {"convc": "convcorr", "convf": "convflow"}
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"(\w+_encoder)\.conv1\.(\w+)", r"\1.convnormrelu.0.\2"),
        (r"(\w+_encoder)\.norm1\.(\w+)", r"\1.convnormrelu.1.\2"),
        (r"(\w+_encoder)\.conv2\.(\w+)", r"\1.conv.\2"),
        (r"(\w+_encoder\.layer\d\.\d)\.conv(\d)\.(\w+)", r"\1.convnormrelu\2.0.\3"),
        (r"(\w+_encoder\.layer\d\.\d)\.norm(\d)\.(\w+)", r"\1.convnormrelu\2.1.\3"),
        (r"(update_block)\.encoder\.(conv\w*)\.(\w+)", r"\1.motion_encoder.\2.0.\3"),
        (r"(update_block)\.gru\.(conv[zrq])(\d)\.(\w+)", r"\1.recurrent_block.convgru\3.\2.\4"),
        (r"(update_block)\.gru\.(conv[zrq])\.(\w+)", r"\1.recurrent_block.convgru1.\2.\3"),
        (r"update_block\.mask\.0\.(\w+)", r"mask_predictor.convrelu.0.\1"),
        (r"update_block\.mask\.2\.(\w+)", r"mask_predictor.conv.\1"),
    )
)
# Of a residual block; the authors' files hold the norm of ``downsample`` under this name, too.
_REPEATED = re.compile(r"\w+_encoder\.layer\d\.\d\.norm3\.\w+")


def convert_checkpoint(path: Path, output: Path) -> RaftCard:
    """Read a published checkpoint and write it as ``output`` (``.safetensors``) with its card.

    Raises:
        WeightsError: unreadable, too large, holds more than tensors, or is of another network.
        OutputError: the files cannot be written.
    """
    tensors = translated(_tensors(path))
    config = RaftConfig(size=_size(tensors))
    network = Raft(config, generator=torch.Generator().manual_seed(0))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"{path}: not the tensors of RAFT {config.size} ({shortened(str(error))}); give a "
            "checkpoint of torchvision or princeton-vl/RAFT"
        ) from error
    card = RaftCard(
        config=config,
        trained_on=f"published checkpoint {path.name}; see its authors for data and licence",
        checkpoint_sha256=provenance.sha256(path),
    )
    save_raft_weights(output, network, card)
    return card


def translated(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' names as torchvision's, which stay as they are."""
    found = {}
    plain = {name.removeprefix("module."): value for name, value in tensors.items()}
    for name, value in plain.items():
        part, dot, rest = name.partition(".")
        new = f"{_ENCODERS.get(part, part)}{dot}{rest}"
        if part in _ENCODERS and _REPEATED.fullmatch(new) and _strides(plain, name):
            continue
        for old, other in _MOTION.items():
            new = new.replace(f"update_block.encoder.{old}", f"update_block.encoder.{other}")
        for pattern, to in _RULES:
            if pattern.fullmatch(new):
                new = pattern.sub(to, new)
                break
        found[new] = value
    return found


def _strides(tensors: Mapping[str, Tensor], name: str) -> bool:
    """Whether the block of a tensor has a ``downsample`` with the same norm."""
    block, _, rest = name.partition(".norm3.")
    return f"{block}.downsample.1.{rest}" in tensors


def _size(tensors: Mapping[str, Tensor]) -> Size:
    return "large" if any(name.startswith("mask_predictor") for name in tensors) else "small"


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error}); give a checkpoint") from error
    most = limits.current().unpacked_bytes
    if size > most:
        raise WeightsError(f"{path}: {limits.how_to_raise('unpacked_bytes', size)}")
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch names a damaged or unwelcome file by many kinds of error.
        raise WeightsError(
            f"{path}: no file of bare tensors ({shortened(str(error))}); copy it again"
        ) from error
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
    ):
        raise WeightsError(f"{path}: expected tensors by name, and nothing else")
    return dict(found)
