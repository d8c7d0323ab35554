"""The public names: code that writes ``import hmrm`` may rely on these, and on no others."""

import hmrm


def test_public_names_are_these_and_resolve() -> None:
    functions = ["analyze", "estimate_flow", "evaluate", "load_maps", "load_model"]
    pinned = ["Analysis", "ClipId", "Event", "MapSet", "RunResult", *functions]
    assert dir(hmrm) == pinned
    assert all(callable(getattr(hmrm, name)) for name in pinned)
