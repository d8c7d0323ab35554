"""What a run is asked to do: the ``[evaluation]`` and ``[model]`` tables of a config."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import tomli_w

from hmrm import config, limits, records
from hmrm.errors import ConfigError, shortened
from hmrm.training.registry import refuse_code

Selection = Literal["fixed", "inner", "oracle"]

CLASS_SETS: dict[str, tuple[str, ...]] = {
    "megc2019-3": ("negative", "positive", "surprise"),
    "casme3-4": ("negative", "positive", "surprise", "others"),
    "casme2-5": ("happiness", "surprise", "disgust", "repression", "others"),
    "samm-5": ("anger", "happiness", "surprise", "contempt", "other"),
    "casme3-7": ("disgust", "fear", "anger", "sadness", "happiness", "surprise", "others"),
}
"""The class lists in use in the field, by name."""

SELECTION_WORDS: dict[str, str] = {
    "fixed": "fixed epochs, chosen beforehand",
    "inner": "epoch chosen on subjects inside the training set",
    "oracle": "best epoch on the test subject itself",
}

ORACLE_WARNING = (
    "oracle picks the epoch on the test subject itself: the score shows how often it tried, not "
    "how good the model is. It is only fit to be compared with tables made the same way."
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The ``[evaluation]`` table.

    Attributes:
        folds: scheme of `hmrm.evaluation.protocol.build`.
        selection: how the number of epochs is chosen, `SELECTION_WORDS`.
        seeds: one whole run of all folds each.
        inner_folds: subject-grouped folds inside the training set, for ``inner``.
        fold_seed: of the k-fold split, outer and inner.
        record_epochs: also keep the test predictions of every epoch, for learning curves; they
            steer nothing. ``oracle`` always keeps them.
        offset_maps: hand the apex→offset maps to training, where the data has them.
        features: keep how alike test clips look to the model, for the report's feature map.
    """

    folds: str = "loso"
    selection: Selection = "fixed"
    seeds: tuple[int, ...] = (0,)
    inner_folds: int = 3
    fold_seed: int = 0
    record_epochs: bool = False
    offset_maps: bool = False
    features: bool = True

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(
                f"seeds = {shortened(list(self.seeds))}: give different numbers from 0 up"
            )
        if len(self.seeds) > limits.current().seeds:
            raise ConfigError(
                f"seeds: {len(self.seeds)}, each a whole run; "
                f"{limits.how_to_raise('seeds', len(self.seeds))}"
            )
        if self.inner_folds < 2:
            raise ConfigError(f"inner_folds = {self.inner_folds}: must be at least 2")


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """The ``[model]`` table: a name, and next to it the options of that model."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict, metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class PlanTables:
    """A plan as its config writes it, which is how ``run.json`` holds it."""

    model: ModelTable
    evaluation: Settings


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole config: which model with which options, evaluated how."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    @property
    def tables(self) -> PlanTables:
        """The two tables of its config."""
        return PlanTables(
            model=ModelTable(name=self.model, options=self.options), evaluation=self.settings
        )

    def to_mapping(self) -> dict[str, Any]:
        """Plain nested values, as in the TOML file."""
        plain: dict[str, Any] = records.to_json(self.tables)
        return plain

    def dumps(self) -> str:
        """As TOML; `load_plan` gives it back."""
        return tomli_w.dumps(self.to_mapping())

    @property
    def digest(self) -> str:
        """12 hex digits over everything but the seeds, which may be added to later."""
        table = self.to_mapping()
        del table["evaluation"]["seeds"]
        text = json.dumps(table, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_plan(
    path: Path | None,
    *,
    model: str | None = None,
    allow_code: Collection[str] = (),
    **changes: Any,
) -> Plan:
    """Read a config, and let the command line have the last word.

    Args:
        path: TOML with tables ``[model]`` (``name`` and the model's options) and
            ``[evaluation]``; None for defaults.
        model: instead of the config's; its options then stay only if the name is the same.
        allow_code: modules of which the config may name a factory, ``package.module:factory``.
        changes: settings that are not None replace the config's.

    Raises:
        ConfigError: unreadable, unknown key, wrong type, no model named anywhere, or one that
            is code and was not allowed.
    """
    table = config.read_table(path) if path is not None else {}
    where = str(path) if path is not None else "command line"
    unknown = sorted(set(table) - {"model", "evaluation"})
    if unknown:
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}; expected [model] and [evaluation]")
    options = dict(_table(table, "model", where))
    settings = config.from_mapping(
        Settings, _table(table, "evaluation", where), where=f"{where}: [evaluation]"
    )
    named = options.pop("name", None)
    name = model or named
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where}: no model named; give --model or name in [model]")
    if model is None:
        refuse_code(name, allow_code, where=where)
    expected = {key: value for key, value in changes.items() if value is not None}
    try:
        settings = replace(settings, **expected)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error
    return Plan(model=name, options=options if name == named else {}, settings=settings)


def _table(table: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"{where}: {name} must be a table, got {found!r}")
    return found
