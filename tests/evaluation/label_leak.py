"""Whether a fold sees its test labels: change them, and look whether a prediction changes."""

from collections.abc import Callable

import numpy as np

from hmrm.subject_folds import Fold


def uses_test_labels(
    evaluate: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    fold: Fold,
    *,
    classes: int,
    generator: np.random.Generator,
) -> bool:
    """Whether the scores of a fold change, by one bit, when its test labels are replaced.

    Args:
        evaluate: runs the fold from scratch with the labels it is given; scores of its test clips.
        labels: all true labels.
        classes: each test label is moved to one of the other classes.
    """
    replaced = labels.copy()
    test = np.array(fold.test)
    replaced[test] = (labels[test] + generator.integers(1, classes, len(test))) % classes
    return not np.array_equal(evaluate(labels), evaluate(replaced))
