"""Every drawn data set, by the name of the real one."""

from collections.abc import Callable, Mapping
from functools import partial

from hmrm.datasets.composite_rule import PARTS
from hmrm.datasets.load import is_composite
from hmrm.datasets.sources.catalogue import dataset_named
from hmrm.synthetic.datasets.composite import fake_casme2, fake_samm, fake_smic, fake_smic_extended
from hmrm.synthetic.datasets.long_videos import (
    fake_cas_me_2,
    fake_cas_me_3,
    fake_cas_me_3_c,
    fake_samm_lv,
)
from hmrm.synthetic.datasets.short_clips import fake_4dme, fake_casme, fake_dfme, fake_mmew
from hmrm.synthetic.datasets.writer import FakeSet

FAKES: Mapping[str, Callable[[], FakeSet]] = {
    "casme": fake_casme,
    "casme2": fake_casme2,
    "samm": fake_samm,
    "samm-lv": fake_samm_lv,
    "cas-me-2": fake_cas_me_2,
    "cas-me-3": fake_cas_me_3,
    "cas-me-3-c": fake_cas_me_3_c,
    "mmew": fake_mmew,
    "4dme": fake_4dme,
    "dfme": fake_dfme,
    "smic": fake_smic,
    "smic-vis": partial(fake_smic, "vis"),
    "smic-nir": partial(fake_smic, "nir"),
    "smic-e-hs": fake_smic_extended,
    "smic-e-vis": partial(fake_smic_extended, "vis"),
    "smic-e-nir": partial(fake_smic_extended, "nir"),
}


def fakes_of(name: str) -> tuple[FakeSet, ...]:
    """The drawn copy of a data set; of the composite, its three parts.

    Raises:
        ConfigError: no such data set.
    """
    parts = PARTS if is_composite(name) else (dataset_named(name).name,)
    return tuple(FAKES[part]() for part in parts)
