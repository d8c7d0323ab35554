"""Peers from the literature, one file each, written from their papers.

`SVMS` are complete recognisers; `NETWORKS` are bare networks, to which `hmrm.training` adds a
recipe; `FULL_NETWORKS` are only counted. All import a peer's file, and with it scikit-learn or
torch, only when it is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from hmrm.errors import MissingExtraError


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Where a peer is written, and how it is set up.

    Attributes:
        module: file in this package.
        name: class in that file.
        settings: keyword arguments of the class.
        side_px: side of the maps it takes.
    """

    module: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    side_px: int = 28

    def load(self) -> Any:
        """The class itself.

        Raises:
            MissingExtraError: torch is not installed.
        """
        try:
            return getattr(import_module(f"{__name__}.{self.module}"), self.name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("hmrm"):
                raise
            raise MissingExtraError(
                f"this model needs {error.name}: pip install 'hmrm[torch]'"
            ) from error

    def build(self, **settings: Any) -> Any:
        """An instance; networks want ``classes``."""
        return self.load()(**{**self.settings, **settings})


SVMS: dict[str, Peer] = {
    "svm-linear": Peer(module="linear_svm", name="LinearSvm"),
    "svm-rbf": Peer(module="rbf_svm", name="RbfSvm"),
    "svm-mirrored": Peer(module="mirrored_svm", name="MirroredSvm"),
    "bi-woof": Peer(module="bi_woof", name="BiWoof"),
    "mdmo": Peer(module="mdmo", name="Mdmo"),
}

NETWORKS: dict[str, Peer] = {
    "ststnet": Peer(module="ststnet", name="StstNet"),
    "off-apexnet": Peer(module="off_apexnet", name="OffApexNet"),
    "capsule-head": Peer(module="capsule_head", name="CapsuleHead"),
    "htnet-small": Peer(module="htnet", name="HtNet"),
    "vgg16-small": Peer(module="vgg16", name="Vgg16"),
    "googlenet-small": Peer(module="googlenet", name="GoogLeNet"),
    "mobilevit-small": Peer(module="mobilevit", name="MobileVit"),
    "cnn": Peer(module="plain_cnn", name="PlainCnn"),
    "cnn-lite": Peer(module="plain_cnn", name="PlainCnn", settings={"width": 26}),
    "vit": Peer(module="plain_vit", name="PlainVit"),
    "vit-lite": Peer(module="plain_vit", name="PlainVit", settings={"width": 64}),
}

FULL_NETWORKS: dict[str, Peer] = {
    "capsule-head-full": Peer(
        module="capsule_head", name="CapsuleHead", settings={"width": 256, "kinds": 32}
    ),
    "htnet": Peer(module="htnet", name="HtNet", settings={"width": 256, "depths": (2, 2, 10)}),
    "vgg16": Peer(
        module="vgg16",
        name="Vgg16",
        settings={"width": 64, "hidden": 4096, "pooled_px": 7, "normalise": False},
        side_px=224,
    ),
    "googlenet": Peer(
        module="googlenet",
        name="GoogLeNet",
        settings={"divisor": 1, "stem_stride": 2},
        side_px=224,
    ),
    "mobilevit-s": Peer(module="mobilevit", name="MobileVit", settings={"size": "s"}, side_px=256),
}
"""At their papers' size: counted beside the others, too large to train in CPU folds."""
