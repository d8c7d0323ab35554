"""Weight files: safetensors next to a JSON card that states what they are and were trained on.

``NAME.safetensors`` holds the tensors, ``NAME.json`` the card. The card carries the digest of the
tensors' file, so that a pair that does not belong together is noticed. Nothing is ever unpickled.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load as load_tensors
from torch import Tensor

from hmrm import config, reading
from hmrm.errors import ConfigError, WeightsError
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import NETWORK, WeightCard, read_card, tensor_path, weights_path
from hmrm.tensor_file import require_finite, write_weights


def save_checkpoint(path: Path, model: HMRM, card: WeightCard) -> None:
    """Write ``path`` (``.safetensors``) and the card next to it (``.json``), each as a whole.

    Raises:
        WeightsError: the card describes another network, or a weight is NaN or infinite.
        OutputError: the files cannot be written.
    """
    path = tensor_path(path)
    described = (card.config, card.classes, card.action_units)
    if described != (model.config, model.classes, model.action_units):
        raise WeightsError(f"{path}: the card's config, classes or units are not the network's")
    write_weights(path, model, card, network=NETWORK)


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
    path = tensor_path(path)
    card, digest = read_card(path, allow_untrained=allow_untrained)
    try:
        content = reading.read_bytes(path)
    except (OSError, reading.DamagedError) as error:
        raise WeightsError(
            f"{path}: cannot be read ({error}); card and tensors are both needed"
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise WeightsError(
            f"{path}: damaged, or not the file that {path.with_suffix('.json').name} describes "
            "(digest differs); copy both files again"
        )
    if expected is not None and card.config != expected:
        raise WeightsError(f"{path}: made for another network: {_differences(card, expected)}")
    tensors = _parse(content, path)
    if card.config.least_parameters > len(content):
        raise WeightsError(
            f"{path.with_suffix('.json')}: describes a larger network than {path.name} can hold; "
            "copy both files again"
        )
    require_finite(tensors, path)
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


def _parse(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return load_tensors(content)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file ({error}); copy it again") from error


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
