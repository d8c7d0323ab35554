"""Where a training stands, so that it can be stopped at any moment and go on to the same bytes.

One safetensors file holds network, averaged network, loss and optimiser; randomness is keyed by
the step and needs no state.
"""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from hmrm import atomic, reading
from hmrm.errors import WeightsError


def save_state(
    path: Path, *, step: int, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer
) -> None:
    """Write the state after ``step`` steps, as a whole.

    Args:
        modules: everything with weights, by name; names hold no dot.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {
        f"{name}.{key}": value.contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            tensors[f"optimizer.{index}.{key}"] = value
    tensors["step"] = torch.tensor(step)
    atomic.write_bytes(path, save(tensors))


def load_state(
    path: Path, *, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer
) -> int:
    """Put a saved state into modules and optimiser; return the number of steps done.

    Raises:
        WeightsError: damaged, or of another network.
    """
    try:
        tensors = load(reading.read_bytes(path))
        for name, module in modules.items():
            module.load_state_dict(_below(tensors, name))
        step = int(tensors["step"])
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(tensors, "optimizer").items():
            index, field = key.split(".", 1)
            state.setdefault(int(index), {})[field] = value
        optimizer.load_state_dict(
            {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
        )
    except (safetensors.SafetensorError, OSError, RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path}: not a state of this training ({error}); remove the folder to start again"
        ) from error
    return step


def _below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
