"""Every synthetic data set, by the name of the real one."""

from collections.abc import Callable, Mapping
from functools import partial

from hmrm.datasets.composite_rule import PARTS
from hmrm.datasets.load import is_composite
from hmrm.datasets.sources.catalogue import dataset_named
from hmrm.synthetic.datasets.composite import (
    synthetic_casme2,
    synthetic_samm,
    synthetic_smic,
    synthetic_smic_extended,
)
from hmrm.synthetic.datasets.long_videos import (
    synthetic_cas_me_2,
    synthetic_cas_me_3,
    synthetic_cas_me_3_c,
    synthetic_samm_lv,
)
from hmrm.synthetic.datasets.short_clips import (
    synthetic_4dme,
    synthetic_casme,
    synthetic_dfme,
    synthetic_mmew,
)
from hmrm.synthetic.datasets.writer import SyntheticDataSet

SYNTHETIC_SETS: Mapping[str, Callable[[], SyntheticDataSet]] = {
    "casme": synthetic_casme,
    "casme2": synthetic_casme2,
    "samm": synthetic_samm,
    "samm-lv": synthetic_samm_lv,
    "cas-me-2": synthetic_cas_me_2,
    "cas-me-3": synthetic_cas_me_3,
    "cas-me-3-c": synthetic_cas_me_3_c,
    "mmew": synthetic_mmew,
    "4dme": synthetic_4dme,
    "dfme": synthetic_dfme,
    "smic": synthetic_smic,
    "smic-vis": partial(synthetic_smic, "vis"),
    "smic-nir": partial(synthetic_smic, "nir"),
    "smic-e-hs": synthetic_smic_extended,
    "smic-e-vis": partial(synthetic_smic_extended, "vis"),
    "smic-e-nir": partial(synthetic_smic_extended, "nir"),
}


def synthetic_sets_of(name: str) -> tuple[SyntheticDataSet, ...]:
    """The synthetic copy of a data set; of the composite, its three parts.

    Raises:
        ConfigError: no such data set.
    """
    parts = PARTS if is_composite(name) else (dataset_named(name).name,)
    return tuple(SYNTHETIC_SETS[part]() for part in parts)
