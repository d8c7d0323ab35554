"""The MEGC 2019 composite: 442 clips of three data sets in three classes, 68 subjects.

negative is anger, contempt, disgust, fear, sadness and repression, SMIC's negative; positive is
happiness, SMIC's positive; surprise is surprise. Others are dropped.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from hmrm.clip import ClipId

CLIPS: dict[str, tuple[int, int, int]] = {
    "casme2": (88, 32, 25),
    "samm": (92, 26, 15),
    "smic": (70, 51, 43),
}
"""Clips by data set: negative, positive, surprise."""

SUBJECTS: dict[str, int] = {"casme2": 24, "samm": 28, "smic": 16}


def differences_from_composite(
    ids: Sequence[str], labels: Int[np.ndarray, " n"]
) -> tuple[str, ...]:
    """One sentence for each count that is not the composite's; empty when all agree."""
    found = []
    known = [ClipId.parse(name) for name in ids]
    clips = Counter((clip.dataset, int(label)) for clip, label in zip(known, labels, strict=True))
    subjects = Counter(dataset for dataset, _ in {(c.dataset, c.subject) for c in known})
    for dataset, expected in CLIPS.items():
        got = tuple(clips[dataset, label] for label in range(len(expected)))
        if got != expected:
            found.append(f"{dataset}: {got} clips by class, the composite has {expected}")
        if subjects[dataset] != SUBJECTS[dataset]:
            due = SUBJECTS[dataset]
            found.append(f"{dataset}: {subjects[dataset]} subjects, the composite has {due}")
    found += [f"{name}: not in the composite" for name in sorted(set(subjects) - set(CLIPS))]
    return tuple(found)
