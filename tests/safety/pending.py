"""What is known to do harm as yet. A fix of a reader removes its kinds."""

import pytest

pending = pytest.mark.xfail(strict=True, reason="the reader is not fixed yet (pending.py)")

PENDING = frozenset(
    {
        # Configs are data.
        # Cards of weights.
        # Folders of trainings.
        "chairs-split-not-text",
        "chairs-flow-is-a-folder",
        # Flow maps.
        # Images, videos, flow files.
        "image-large-spotted",
        "gif-claims-spotted",
        # Annotation tables.
        # Text tables.
        # Finished runs.
    }
)

PENDING_OUTPUTS: frozenset[str] = frozenset()
