"""Find facial micro-expressions in video, name them, and say how sure."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmrm.analysis.analyze import analyze
    from hmrm.flow.estimate import estimate_flow

__all__ = ["analyze", "estimate_flow"]

_HOMES = {
    "analyze": "hmrm.analysis.analyze",
    "estimate_flow": "hmrm.flow.estimate",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``import hmrm`` alone loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hmrm' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
