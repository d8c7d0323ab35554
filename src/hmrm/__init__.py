"""Find facial micro-expressions in video, name them, and say how sure."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmrm.analysis.analyze import analyze
    from hmrm.analysis.read import read_analysis
    from hmrm.analysis.record import Analysis
    from hmrm.clip import ClipId, Event
    from hmrm.datasets.maps.importers import load_maps
    from hmrm.evaluation.results import RunResult
    from hmrm.evaluation.run import evaluate
    from hmrm.flow.estimate import estimate_flow
    from hmrm.flow.mapset import MapSet
    from hmrm.model.checkpoints import load_model

__all__ = [
    "Analysis",
    "ClipId",
    "Event",
    "MapSet",
    "RunResult",
    "analyze",
    "estimate_flow",
    "evaluate",
    "load_maps",
    "load_model",
    "read_analysis",
]

_HOMES = {
    "Analysis": "hmrm.analysis.record",
    "ClipId": "hmrm.clip",
    "Event": "hmrm.clip",
    "MapSet": "hmrm.flow.mapset",
    "RunResult": "hmrm.evaluation.results",
    "analyze": "hmrm.analysis.analyze",
    "estimate_flow": "hmrm.flow.estimate",
    "evaluate": "hmrm.evaluation.run",
    "load_maps": "hmrm.datasets.maps.importers",
    "load_model": "hmrm.model.checkpoints",
    "read_analysis": "hmrm.analysis.read",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``import hmrm`` alone loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hmrm' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
