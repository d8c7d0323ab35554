"""Linear support vector machine on the raw pixels of a map: the simplest baseline.

Source: none of its own; the setting is the one with which this field's public benchmark is
quoted: pixels in 0 to 1, standardised over the training clips, C = 0.001, balanced classes.
"""

from dataclasses import dataclass

from hmrm.model.baselines.kernel_svm import KernelSvm


@dataclass(frozen=True, kw_only=True)
class LinearSvm(KernelSvm):
    """The defaults of `KernelSvm`."""
