"""The score that travels with weights trained on everything: that of the same config in folds."""

import json
from pathlib import Path
from typing import Any

from hmrm.errors import ConfigError
from hmrm.evaluation.settings import Plan
from hmrm.flow.mapset import MapSet

_KEPT = ("mean", "sd", "low", "high")


def out_of_fold(run: Path, plan: Plan, mapset: MapSet) -> dict[str, Any]:
    """UF1 and UAR of a finished run, for a weight card.

    Raises:
        ConfigError: not a finished run, or of another model, other options or other clips.
    """
    path = run / "run.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        model, data = summary["config"]["model"], summary["provenance"]["data_hash"]
        scores = {
            name: {metric: {key: part[metric][key] for key in _KEPT} for metric in ("uf1", "uar")}
            for name, part in summary["scores"].items()
        }
        protocol = {key: summary[key] for key in ("folds", "selection", "seeds", "clips")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: not a finished run's result ({error!r}); run hmrm evaluate"
        ) from error
    if model != json.loads(json.dumps(plan.to_mapping()["model"])):
        raise ConfigError(f"{run}: is a run of another model or other options; evaluate this one")
    if data != mapset.sha256:
        raise ConfigError(f"{run}: is a run on other clips; evaluate on the clips to train on")
    return {"out of fold": {**protocol, **scores}}
