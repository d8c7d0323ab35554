"""Writes tensors as safetensors with a JSON card that carries their digest; needs torch."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor, nn

from hmrm import atomic, records
from hmrm.errors import WeightsError


def write_weights(path: Path, module: nn.Module, card: object, *, network: str) -> None:
    """Write ``path`` (``.safetensors``) and the card next to it (``.json``), each as a whole.

    Args:
        card: a record; what it holds goes into the JSON file.
        network: name of the kind of network, which is checked when the file is read.

    Raises:
        WeightsError: a weight is NaN or infinite.
        OutputError: the files cannot be written.
    """
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()
    }
    require_finite(tensors, path)
    content = save(tensors)
    table = records.to_json(card)
    table |= {"network": network, "sha256": hashlib.sha256(content).hexdigest()}
    # Tensors first: with the card written last, a half-finished pair never looks whole.
    atomic.write_bytes(path, content)
    text = json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False)
    atomic.write_text(path.with_suffix(".json"), text + "\n")


def require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that no network can work with.

    Raises:
        WeightsError: NaN or infinity.
    """
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise WeightsError(
                f"{path}: {name} holds NaN or infinity; the training diverged, take an earlier one"
            )
