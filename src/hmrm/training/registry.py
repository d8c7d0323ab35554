"""Every recogniser that is known by name: peers with their recipes, and HMRM itself.

A factory takes the ``[model]`` table of a config (None: all defaults) and checks its keys.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hmrm import config
from hmrm.errors import ConfigError, MissingExtraError
from hmrm.model.baselines import NETWORKS, SVMS
from hmrm.model.contract import Recogniser
from hmrm.training.ensemble import build_ensemble

Factory = Callable[[Mapping[str, Any] | None], Recogniser]

# For peers whose recipe rests on pretraining, or was chosen on test subjects, and for the plain
# networks: the optimiser of the HMRM paper, with mirroring, on maps in the canonical crop. The
# number of epochs was set once, for all alike.
_OURS: Mapping[str, Any] = {
    "epochs": 60,
    "schedule": "cosine",
    "mirror_train": True,
    "mirror_test": True,
    "map_kind": "canonical",
}
# The authors' release: Adam at 5e-5, 800 epochs, batches of 256, pixels from 0 to 255.
_STSTNET: Mapping[str, Any] = {
    "epochs": 800,
    "optimiser": "adam",
    "learning_rate": 5e-5,
    "weight_decay": 0.0,
    "batch_size": 256,
    "input_scale": 255.0,
}

RECIPES: dict[str, Mapping[str, Any]] = {
    **dict.fromkeys(NETWORKS, _OURS),
    "ststnet": _STSTNET,
    "capsule-head": {**_OURS, "loss": "margin"},
}
"""Arguments of `hmrm.training.torch_recogniser.Recipe` for each trainable network."""


def _svm(name: str, options: Mapping[str, Any] | None = None) -> Recogniser:
    return config.from_mapping(SVMS[name].load(), dict(options or {}), where=f"model {name}")


def _network(name: str, options: Mapping[str, Any] | None = None) -> Recogniser:
    try:
        from hmrm.training.torch_recogniser import Recipe, TorchRecogniser
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError(f"{name} needs torch: pip install 'hmrm[torch]'") from error
    table = {**RECIPES[name], **(options or {})}
    recipe = config.from_mapping(Recipe, table, where=f"model {name}")
    return TorchRecogniser(peer=name, recipe=recipe)


def _hmrm(options: Mapping[str, Any] | None = None) -> Recogniser:
    try:
        from hmrm.training.network_recogniser import HmrmRecogniser
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("hmrm"):
            raise
        raise MissingExtraError(f"hmrm needs {error.name}: pip install 'hmrm[torch]'") from error
    return config.from_mapping(HmrmRecogniser, dict(options or {}), where="model hmrm")


def network_sizes(preset: str | None) -> dict[str, Any]:
    """The sizes of an HMRM network by name of a preset (None: the default), as a table.

    Raises:
        ConfigError: no such preset.
        MissingExtraError: torch is not installed.
    """
    recogniser: Any = _hmrm({} if preset is None else {"network": preset})
    return config.to_mapping(recogniser.sizes)


def _ensemble(options: Mapping[str, Any] | None = None) -> Recogniser:
    return build_ensemble(options or {}, build=build_recogniser)


RECOGNISERS: dict[str, Factory] = {
    **{name: partial(_svm, name) for name in SVMS},
    **{name: partial(_network, name) for name in RECIPES},
    "hmrm": _hmrm,
    "ensemble": _ensemble,
}
"""Name → factory. A factory imports its model only when it is called."""


def build_recogniser(name: str, options: Mapping[str, Any] | None = None) -> Recogniser:
    """The recogniser called ``name``, with ``options`` in place of its defaults.

    Raises:
        ConfigError: unknown name, unknown option, or a value out of range.
        MissingExtraError: its library is not installed.
    """
    if name not in RECOGNISERS:
        raise ConfigError(f"model {name!r} is unknown; choose {', '.join(RECOGNISERS)}")
    return RECOGNISERS[name](options)
