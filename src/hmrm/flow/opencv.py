"""The part of OpenCV that only ``opencv-contrib-python-headless`` holds, and what may hide it."""

from functools import cache
from importlib import metadata
from typing import Any

import cv2

from hmrm.errors import MissingExtraError

PACKAGE = "opencv-contrib-python-headless"


@cache
def optflow() -> Any:
    """``cv2.optflow``.

    All OpenCV packages write into one folder, so another one that is installed later replaces
    ours, and its part with the optical flow is gone.

    Raises:
        MissingExtraError: it is not there; names the other packages and the remedy.
    """
    found = getattr(cv2, "optflow", None)
    if hasattr(found, "createOptFlow_DeepFlow"):
        return found
    others = other_packages()
    names = " ".join(others)
    why = f"{', '.join(others)} was installed over it" if others else "another cv2 lies before it"
    raise MissingExtraError(
        f"cv2 {cv2.__version__} at {cv2.__file__} has no optical flow, which {PACKAGE} has; {why}. "
        f"Run: pip uninstall -y {names + ' ' if names else ''}{PACKAGE}, "
        f"then: pip install {PACKAGE}"
    )


def other_packages() -> tuple[str, ...]:
    """Names of installed OpenCV packages but ours."""
    names = (found.metadata["Name"] for found in metadata.distributions())
    opencv = {name.lower() for name in names if name and name.lower().startswith("opencv-")}
    return tuple(sorted(opencv - {PACKAGE}))
