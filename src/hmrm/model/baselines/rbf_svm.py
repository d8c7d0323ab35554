"""Support vector machine with a Gaussian kernel on the raw pixels of a map.

Source: none of its own; the usual defaults (C = 1, width by the number of standardised pixels),
with balanced classes.
"""

from dataclasses import dataclass
from typing import Literal

from hmrm.model.baselines.kernel_svm import KernelSvm


@dataclass(frozen=True, kw_only=True)
class RbfSvm(KernelSvm):
    """A `KernelSvm` with other defaults."""

    kernel: Literal["linear", "rbf", "cubic"] = "rbf"
    cost: float = 1.0
