"""Every data set that can be read, by the name that commands use."""

from collections.abc import Mapping

from hmrm.datasets.casme2 import CASME2
from hmrm.datasets.description import DataSet
from hmrm.datasets.samm import SAMM
from hmrm.datasets.smic import SMIC_E_HS, SMIC_E_NIR, SMIC_E_VIS, SMIC_HS, SMIC_NIR, SMIC_VIS
from hmrm.errors import ConfigError

DATASETS: Mapping[str, DataSet] = {
    one.name: one
    for one in (CASME2, SMIC_HS, SMIC_VIS, SMIC_NIR, SMIC_E_HS, SMIC_E_VIS, SMIC_E_NIR, SAMM)
}

COMPOSITE = "composite"
"""The MEGC 2019 composite: three of the data sets under one root, and a rule."""


def names() -> tuple[str, ...]:
    """Every name that a command takes."""
    return (COMPOSITE, *DATASETS)


def dataset_named(name: str) -> DataSet:
    """The data set of that name; case, blanks and brackets do not matter.

    Raises:
        ConfigError: there is none.
    """
    plain = {_plain(known): dataset for known, dataset in DATASETS.items()}
    plain |= {_plain(dataset.title): dataset for dataset in DATASETS.values()}
    if _plain(name) not in plain:
        raise ConfigError(f"data set {name!r} is unknown; choose one of {', '.join(names())}")
    return plain[_plain(name)]


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
