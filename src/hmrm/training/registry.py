"""Every model that is known by name: what it is, what it needs, how it is built.

`MODELS` is the one list, which commands, configs and help texts read. Importing it is cheap: a
model's file, and with it torch or scikit-learn, is imported when the model is built.
"""

import dataclasses
import importlib
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from hmrm import config
from hmrm.errors import ConfigError, MissingExtraError, shortened
from hmrm.model.contract import MapKind

if TYPE_CHECKING:
    from torch import nn

    from hmrm.model.contract import Recogniser

Options = Mapping[str, Any]
"""A ``[model]`` table of a config without its ``name``; a builder checks its keys."""

_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

DEFAULT_MEMBERS: tuple[Options, ...] = ({"name": "hmrm"}, {"name": "svm-mirrored"})

# For baselines whose recipe rests on pretraining, or was chosen on test subjects, and for the plain
# networks: the optimiser of the HMRM paper, with mirroring, on maps in the canonical crop. The
# number of epochs was set once, for all alike.
_OUR_RECIPE: Options = {
    "epochs": 60,
    "schedule": "cosine",
    "mirror_train": True,
    "mirror_test": True,
    "map_kind": "canonical",
}
# The authors' release: Adam at 5e-5, 800 epochs, batches of 256, pixels from 0 to 255.
_STSTNET_RECIPE: Options = {
    "epochs": 800,
    "optimiser": "adam",
    "learning_rate": 5e-5,
    "weight_decay": 0.0,
    "batch_size": 256,
    "input_scale": 255.0,
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model that is known by name.

    Attributes:
        description: what it is, in one line.
        needs: extra that must be installed, ``pip install 'hmrm[torch]'``.
        recogniser: from name and options to something that can be trained; None where the network
            is at its paper's size, too large to train in folds on a CPU, and is only counted.
        network: the bare network for a number of ``classes``; takes ``(b, channels, side_px,
            side_px)``.
        side_px, channels: see ``network``.
        reads: flow ``maps``, or ``frames`` of clips (``hmrm datasets prepare --frames``).
    """

    description: str
    needs: Literal["torch", "research"]
    recogniser: "Callable[[str, Options], Recogniser] | None" = None
    network: "Callable[..., nn.Module] | None" = None
    side_px: int = 28
    channels: int = 3
    reads: Literal["maps", "frames"] = "maps"


def build_recogniser(name: str, options: Options | None = None) -> "Recogniser":
    """The model called ``name``, with ``options`` instead of its defaults.

    Raises:
        ConfigError: unknown name, unknown option, or a value out of range.
        MissingExtraError: its library is not installed.
    """
    model = MODELS.get(name)
    if model is None or model.recogniser is None:
        why = "unknown" if model is None else "only counted, by hmrm benchmark models"
        raise ConfigError(f"model {name!r} is {why}; choose {', '.join(trainable())}")
    try:
        return model.recogniser(name, options or {})
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("hmrm"):
            raise
        raise MissingExtraError(
            f"{name} needs {error.name}: pip install 'hmrm[{model.needs}]'"
        ) from error


def find_recogniser(name: str, options: Options | None = None) -> "Recogniser":
    """A model by name, or anybody's own.

    Args:
        name: a known one, or ``package.module:factory``; the current folder is searched too.
        options: its hyper-parameters, by keyword.

    Raises:
        ConfigError: unknown name, module, factory or option, or not a recogniser.
        MissingExtraError: its library is not installed.
    """
    if ":" not in name:
        return build_recogniser(name, options)
    factory, table = _import(name), dict(options or {})
    found: Any
    if isinstance(factory, type) and dataclasses.is_dataclass(factory):
        found = config.from_mapping(factory, table, where=f"model {name}")
    else:
        try:
            found = factory(**table)
        except TypeError as error:
            raise ConfigError(f"model {name}: {error}; options were {table}") from error
    missing = [part for part in ("fit", "map_kind", "epochs") if not hasattr(found, part)]
    if missing:
        raise ConfigError(f"model {name}: has no {missing[0]}; see hmrm.model.contract.Recogniser")
    if found.map_kind not in get_args(MapKind):
        known = ", ".join(get_args(MapKind))
        raise ConfigError(f"model {name}: map_kind {found.map_kind!r}; choose one of {known}")
    return cast("Recogniser", found)


def refuse_code(name: str, allow_code: Collection[str], *, where: str) -> None:
    """Refuse a model that a file names as ``package.module:factory``: a file is data.

    Args:
        name: of a model, as the file has it.
        allow_code: modules that the command line allowed files to name.
        where: the file.

    Raises:
        ConfigError: the name is a factory of a module that was not allowed.
    """
    module, mark, _ = name.partition(":")
    if mark and module not in allow_code:
        raise ConfigError(
            f"{where}: model {shortened(name)} is code, and a file may not run code; if you trust "
            "it, give --allow-code with the module's name, or --model on the command line"
        )


def _import(name: str) -> Any:
    if not _FACTORY.fullmatch(name):
        raise ConfigError(f"model {shortened(name)}: expected package.module:factory")
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        # The installed command does not search the current folder, where one's own model lies.
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"model {name}: cannot import {module_name} ({error}); run where it can be found"
        ) from error
    if not hasattr(module, attribute):
        raise ConfigError(f"model {name}: {module_name} has no {attribute!r}")
    return getattr(module, attribute)


def network_sizes(preset: str | None) -> dict[str, Any]:
    """The sizes of an HMRM network by name of a preset (None: the default), as a table.

    Raises:
        ConfigError: no such preset.
        MissingExtraError: torch is not installed.
    """
    recogniser: Any = build_recogniser("hmrm", {} if preset is None else {"network": preset})
    return config.to_mapping(recogniser.sizes)


def _baseline(place: str) -> Any:
    """A class below `hmrm.model.baselines`, by ``module:Class``."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"hmrm.model.baselines.{module}"), name)


def _svm(place: str, description: str, *, reads: Literal["maps", "frames"] = "maps") -> Model:
    def recogniser(name: str, options: Options) -> "Recogniser":
        return config.from_mapping(_baseline(place), dict(options), where=f"model {name}")

    return Model(description=description, needs="research", recogniser=recogniser, reads=reads)


def _network(
    place: str, description: str, *, recipe: Options = _OUR_RECIPE, **settings: Any
) -> Model:
    """A bare network of the literature, with a recipe to train it."""
    network = partial(_build_network, place, **settings)

    def recogniser(name: str, options: Options) -> "Recogniser":
        from hmrm.training.torch_recogniser import Recipe, TorchRecogniser

        table = {**recipe, **options}
        return TorchRecogniser(
            network=network, recipe=config.from_mapping(Recipe, table, where=f"model {name}")
        )

    return Model(description=description, needs="torch", recogniser=recogniser, network=network)


def _counted(place: str, description: str, *, side_px: int = 28, **settings: Any) -> Model:
    network = partial(_build_network, place, **settings)
    return Model(description=description, needs="torch", network=network, side_px=side_px)


def _recreation(
    place: str, description: str, *, loss: str, side_px: int, channels: int, gender: bool = False
) -> Model:
    """A network on frames that was built again from little; see its file."""
    network = partial(_build_network, place)

    def recogniser(name: str, options: Options) -> "Recogniser":
        from hmrm.training.frame_recogniser import FrameRecipe, recreation

        recipe = config.from_mapping(FrameRecipe, dict(options), where=f"model {name}")
        return recreation(name, recipe, network=network, loss=loss, gender=gender)

    return Model(
        description=description,
        needs="torch",
        recogniser=recogniser,
        network=network,
        side_px=side_px,
        channels=channels,
        reads="frames",
    )


def _build_network(place: str, *, classes: int, **settings: Any) -> "nn.Module":
    network: nn.Module = _baseline(place)(classes=classes, **settings)
    return network


def _hmrm(name: str, options: Options) -> "Recogniser":
    from hmrm.training.network_recogniser import HmrmRecogniser

    return config.from_mapping(HmrmRecogniser, dict(options), where=f"model {name}")


def _preset(preset: str, description: str) -> Model:
    def network(*, classes: int) -> "nn.Module":
        import torch

        from hmrm.model.network import HMRM
        from hmrm.model.sizes import PRESETS

        names = tuple(f"class{number}" for number in range(classes))
        return HMRM(PRESETS[preset], classes=names, generator=torch.Generator().manual_seed(0))

    return Model(description=description, needs="torch", network=network)


def _ensemble(ensemble: str, options: Options) -> "Recogniser":
    """Members from a list of tables: ``name`` of a model, how often to ``repeat`` it, its options.

    Repeated members start from other seeds and share one weight; no table: `DEFAULT_MEMBERS`.

    Raises:
        ConfigError: unknown key, no name, an ensemble inside, or no members.
    """
    from hmrm.training.ensemble import Ensemble

    unknown = sorted(set(options) - {"members"})
    if unknown:
        raise ConfigError(f"model {ensemble}: unknown key {unknown[0]!r}; expected members")
    tables = options.get("members", DEFAULT_MEMBERS)
    if not isinstance(tables, Sequence) or not all(isinstance(t, Mapping) for t in tables):
        raise ConfigError(f"model {ensemble}: members must be tables, [[model.members]]")
    members: list[Recogniser] = []
    weights: list[float] = []
    for table in tables:
        rest = dict(table)
        name, repeat = rest.pop("name", None), rest.pop("repeat", 1)
        if not isinstance(name, str) or name == ensemble:
            raise ConfigError(f"model {ensemble}: name of a member is {name!r}; name a recogniser")
        if type(repeat) is not int or repeat < 1:
            raise ConfigError(f"model {ensemble}: {name}: repeat = {repeat!r}: use 1 or more")
        members += [build_recogniser(name, rest)] * repeat
        weights += [1 / repeat] * repeat
    return Ensemble(members=tuple(members), member_weights=tuple(weights))


_GEME: Any = {"loss": "geme", "side_px": 112, "channels": 3}

MODELS: dict[str, Model] = {
    "svm-linear": _svm("linear_svm:LinearSvm", "linear SVM on the maps' pixels"),
    "svm-rbf": _svm("rbf_svm:RbfSvm", "SVM with a Gaussian kernel on the maps' pixels"),
    "svm-mirrored": _svm(
        "mirrored_svm:MirroredSvm",
        "linear SVM on centred maps and their mirror images",
    ),
    "svm-tuned": _svm(
        "tuned_svm:TunedSvm",
        "Gaussian SVM on blurred, symmetric maps, tuned per fold: the baseline to beat",
    ),
    "bi-woof": _svm("bi_woof:BiWoof", "Bi-WOOF (Liong 2018): weighted histograms of flow"),
    "mdmo": _svm("mdmo:Mdmo", "MDMO (Liu 2016): the main direction of flow in 36 regions"),
    "lbp-top": _svm(
        "lbp_top:LbpTop",
        "LBP-TOP (Zhao 2007): binary patterns of frames in XY, XT, YT",
        reads="frames",
    ),
    "clbp-top": _svm(
        "clbp_top:ClbpTop", "CLBP-TOP (Pfister 2011): with magnitude and centre", reads="frames"
    ),
    "stlbp-ip": _svm(
        "stlbp_ip:StlbpIp", "STLBP-IP (Huang 2015): of integral projections", reads="frames"
    ),
    "ststnet": _network(
        "ststnet:StstNet", "STSTNet (Liong 2019): three shallow streams", recipe=_STSTNET_RECIPE
    ),
    "off-apexnet": _network(
        "off_apexnet:OffApexNet", "OFF-ApexNet (Gan 2019): a stream for u, one for v"
    ),
    "capsule-head": _network(
        "capsule_head:CapsuleHead",
        "CapsuleNet (Van Quang 2019): its head on small convolutions",
        recipe={**_OUR_RECIPE, "loss": "margin"},
    ),
    "htnet-small": _network("htnet:HtNet", "HTNet (Wang 2024): nested transformers, 64 wide"),
    "vgg16-small": _network("vgg16:Vgg16", "VGG16, an eighth of its width"),
    "googlenet-small": _network("googlenet:GoogLeNet", "GoogLeNet, a quarter of its width"),
    "mobilevit-small": _network("mobilevit:MobileVit", "MobileViT-XXS, for small maps"),
    "cnn": _network("plain_cnn:PlainCnn", "plain convolutions, HMRM's size"),
    "cnn-lite": _network("plain_cnn:PlainCnn", "plain convolutions, HMRM lite's size", width=26),
    "vit": _network("plain_vit:PlainVit", "plain vision transformer, HMRM's size"),
    "vit-lite": _network(
        "plain_vit:PlainVit", "plain vision transformer, HMRM lite's size", width=64
    ),
    "geme-recreation": _recreation(
        "geme:Geme",
        "re-creation of GEME: dynamic image, emotion and gender streams",
        **_GEME,
        gender=True,
    ),
    "geme-recreation-without-gender": _recreation(
        "geme:Geme", "re-creation of GEME without gender", **_GEME
    ),
    "frl-dgt-recreation": _recreation(
        "frl_dgt:FrlDgt",
        "re-creation of FRL-DGT: learnt displacement, three fusions",
        loss="frl-dgt",
        side_px=128,
        channels=8,
    ),
    "mfdan-recreation": _recreation(
        "mfdan:Mfdan",
        "re-creation of MFDAN: attention to the apex steered by flow",
        loss="mfdan",
        side_px=112,
        channels=6,
    ),
    "hmrm": Model(
        description="HMRM: from scratch, fine-tuned, or a linear classifier on its features",
        needs="torch",
        recogniser=_hmrm,
    ),
    "ensemble": Model(
        description="mean of several models' scores, from tables [[model.members]]",
        needs="torch",
        recogniser=_ensemble,
    ),
    "hmrm-paper": _preset("paper", "the bare network of hmrm with network = paper"),
    "hmrm-lite": _preset("lite", "the bare network of hmrm with network = lite"),
    "capsule-head-full": _counted(
        "capsule_head:CapsuleHead", "capsule-head at its paper's size", width=256, kinds=32
    ),
    "htnet": _counted("htnet:HtNet", "HTNet at its paper's size", width=256, depths=(2, 2, 10)),
    "vgg16": _counted(
        "vgg16:Vgg16",
        "VGG16 at its paper's size",
        side_px=224,
        width=64,
        hidden=4096,
        pooled_px=7,
        normalise=False,
    ),
    "googlenet": _counted(
        "googlenet:GoogLeNet",
        "GoogLeNet at its paper's size",
        side_px=224,
        divisor=1,
        stem_stride=2,
    ),
    "mobilevit-s": _counted("mobilevit:MobileVit", "MobileViT-S", side_px=256, size="s"),
}
"""Name → model. What a recipe or a size departs from its paper in stands in the model's file."""


def trainable() -> tuple[str, ...]:
    """Names of the models that can be trained in folds."""
    return tuple(name for name, model in MODELS.items() if model.recogniser is not None)
