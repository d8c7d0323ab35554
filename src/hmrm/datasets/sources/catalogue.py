"""Every data set that can be read, by the name that commands use."""

from collections.abc import Mapping

from hmrm.datasets.annotations.description import DataSet
from hmrm.datasets.sources.cas_me_2 import CAS_ME_2
from hmrm.datasets.sources.cas_me_3 import CAS_ME_3_A, CAS_ME_3_C
from hmrm.datasets.sources.casme import CASME
from hmrm.datasets.sources.casme2 import CASME2
from hmrm.datasets.sources.dfme import DFME
from hmrm.datasets.sources.fourd_me import FOURD_ME
from hmrm.datasets.sources.mmew import MMEW
from hmrm.datasets.sources.samm import SAMM
from hmrm.datasets.sources.samm_lv import SAMM_LV
from hmrm.datasets.sources.smic import (
    SMIC_E_HS,
    SMIC_E_NIR,
    SMIC_E_VIS,
    SMIC_HS,
    SMIC_NIR,
    SMIC_VIS,
)
from hmrm.errors import ConfigError

DATASETS: Mapping[str, DataSet] = {
    one.name: one
    for one in (
        *(CASME, CASME2),
        *(SMIC_HS, SMIC_VIS, SMIC_NIR, SMIC_E_HS, SMIC_E_VIS, SMIC_E_NIR),
        *(SAMM, SAMM_LV, CAS_ME_2, CAS_ME_3_A, CAS_ME_3_C, MMEW, FOURD_ME, DFME),
    )
}

COMPOSITE = "composite"
"""The MEGC 2019 composite: three of the data sets under one root, and a rule."""


def names() -> tuple[str, ...]:
    """Every name that a command takes."""
    return (COMPOSITE, *DATASETS)


def dataset_named(name: str) -> DataSet:
    """The data set of that name, or of that title; case does not matter.

    Raises:
        ConfigError: there is none.
    """
    known = {dataset.title.lower(): dataset for dataset in DATASETS.values()}
    found = {**known, **DATASETS}.get(name.lower().strip())
    if found is None:
        raise ConfigError(f"data set {name!r} is unknown; choose one of {', '.join(names())}")
    return found
