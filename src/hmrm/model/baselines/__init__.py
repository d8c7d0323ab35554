"""Peers from the literature, one file each, written from their papers.

`SVMS` are complete recognisers; `NETWORKS` are bare networks, to which `hmrm.training` adds a
recipe. Both import a peer's file, and with it scikit-learn or torch, only when it is asked for.
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
        trainable: False for networks that are too large for CPU folds and only counted.
    """

    module: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    side_px: int = 28
    trainable: bool = True

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
}
