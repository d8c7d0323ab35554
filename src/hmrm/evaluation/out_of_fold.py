"""The score that travels with weights trained on everything: that of the same config in folds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hmrm import records
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.results import Measured, read_summary
from hmrm.evaluation.settings import Plan, PlanTables
from hmrm.flow.mapset import MapSet


@dataclass(frozen=True, kw_only=True)
class OutOfFoldPart:
    """UF1 and UAR of all clips, or of those of one data set."""

    uf1: Measured
    uar: Measured


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """What a weight card says of a run in folds; ``scores`` by data set, the composite first."""

    folds: str
    selection: str
    seeds: tuple[int, ...]
    clips: int
    scores: Mapping[str, OutOfFoldPart] = field(metadata=records.INLINE)


def out_of_fold(run: Path, plan: Plan, mapset: MapSet) -> OutOfFold:
    """UF1 and UAR of a finished run, for a weight card.

    Raises:
        ConfigError: not a finished run, or of another model, other options or other clips.
    """
    try:
        summary = read_summary(run)
    except DataError as error:
        raise ConfigError(f"{run}: not a finished run ({error})") from error
    made = summary.config
    # As JSON: a tuple of a plan is a list in a file.
    asked = records.to_json(plan.tables.model)
    if not isinstance(made, PlanTables) or records.to_json(made.model) != asked:
        raise ConfigError(f"{run}: is a run of another model or other options; evaluate this one")
    if summary.provenance.data_hash != mapset.sha256:
        raise ConfigError(f"{run}: is a run on other clips; evaluate on the clips to train on")
    return OutOfFold(
        folds=summary.folds,
        selection=summary.selection,
        seeds=summary.seeds,
        clips=summary.clips,
        scores={
            name: OutOfFoldPart(uf1=part.uf1.measured, uar=part.uar.measured)
            for name, part in summary.scores.items()
        },
    )
