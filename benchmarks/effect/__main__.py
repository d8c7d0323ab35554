"""What the choice of flow is worth to recognition: ``python -m benchmarks.effect``.

Weak movements of the portrait (0.3 to 1 px), rendered with head motion and noise, cut out by true
landmarks. From onset to apex the flow is estimated by every method, or known exactly; then all
goes the way of `hmrm analyze`: head motion off, flow map, ``hmrm-synthetic``. Those weights were
trained on synthetic maps, so an estimate closer to the truth is closer to what they know. Seeds
were fixed before the first run.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32

from benchmarks.classification.clips import APEX_INDEX, ONSET_INDEX, synthetic_clip
from benchmarks.effect.page import page
from hmrm import atomic, provenance
from hmrm.analysis.classify import NetworkClassifier
from hmrm.cli.terminal import progress_bar
from hmrm.clip import CLASSES
from hmrm.faces.align import align_pair, canonical_transform
from hmrm.faces.crops import CANONICAL, IMAGE_WH_PX, Transform
from hmrm.facs.recipes import NONE
from hmrm.flow.aligned import Aligned
from hmrm.flow.estimate import build_estimator, to_grey
from hmrm.flow.gru_aofe.estimator import GruAofeFlow
from hmrm.flow.metrics import flow_scores
from hmrm.flow.pair import flow_map
from hmrm.flow.rigid import remove_rigid
from hmrm.parallel import single_thread
from hmrm.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (70000, 71000, 72000)
LABELS = (*CLASSES, NONE)
LOW_PX, HIGH_PX = 0.3, 1.0
PLAIN = ("tvl1", "deepflow", "dis")
ALIGNED = ("deepflow", "gru-aofe")
_BORDER_PX = 8


def main() -> None:
    """Draw, estimate, classify; write the JSON and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effect", description=__doc__)
    parser.add_argument("--clips", type=int, default=5, help="of each class and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks/effect/results.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/benchmarks/effect.md")
    given = parser.parse_args()
    single_thread()
    classifier = NetworkClassifier()
    with progress_bar(enabled=True) as bar:
        clips = classify(classifier, given.seeds, given.clips, bar)
    result = {
        "provenance": provenance.stamp(seeds=tuple(given.seeds)),
        "weights": asdict(classifier.origin),
        "intensity_px": [LOW_PX, HIGH_PX],
        "clips_of_a_seed": given.clips * len(LABELS),
        "methods": {name: _row(clips, name) for name in clips[0]["called"]},
        "clips": clips,
    }
    atomic.write_text(given.json, json.dumps(result, indent=1) + "\n")
    atomic.write_text(given.page, page(result))


def classify(
    classifier: NetworkClassifier, seeds: Sequence[int], count: int, progress: Progress
) -> list[dict[str, dict]]:
    """One row per clip: the true class, what each method's map was called, and how far off it is.

    ``epe_px`` is the error of the flow in the crop; ``map_error`` the r.m.s. difference of the
    map's values to those of the exact map, which have r.m.s. 1 or so.
    """
    rows = []
    for seed in seeds:
        for label in LABELS:
            for index in range(count):
                row = _clip(classifier, label, seed + count * LABELS.index(label) + index)
                rows.append({"seed": seed, "label": label, **row})
                progress("clips", len(rows), len(seeds) * len(LABELS) * count)
    return rows


def _clip(classifier: NetworkClassifier, label: str, seed: int) -> dict[str, dict]:
    clip, _ = synthetic_clip(label, seed, low_px=LOW_PX, high_px=HIGH_PX)
    to_crop = canonical_transform(clip.points_at(ONSET_INDEX))
    frames = [clip.frame(index).image for index in (ONSET_INDEX, APEX_INDEX)]
    pair = align_pair(*frames, to_crop)
    onset, apex = to_grey(pair.onset, name="onset"), to_grey(pair.apex, name="apex")
    truth = in_crop(clip.flow(ONSET_INDEX, APEX_INDEX), to_crop)
    ours, expected_px = GruAofeFlow().with_expected_error(onset, apex)
    flows = {"exact": truth, "gru-aofe": ours, "gru-aofe, weighted": ours}
    flows |= {name: build_estimator(name)(onset, apex) for name in PLAIN}
    for name in ALIGNED:
        flows[f"{name}, aligned"] = Aligned(estimator=build_estimator(name))(onset, apex)
    maps = {
        name: flow_map(
            remove_rigid(flow, model="similarity"),
            crop=CANONICAL.name,
            confidence=1 / expected_px if name.endswith("weighted") else None,
        )
        for name, flow in flows.items()
    }
    called, epe_px, map_error = {}, {}, {}
    for name, found in maps.items():
        probabilities = classifier(found).probabilities
        called[name] = max(probabilities, key=lambda c: probabilities[c])
        scores = flow_scores(flows[name], truth, border_px=_BORDER_PX)
        epe_px[name] = round(scores.epe_px, 5)
        apart = found.values - maps["exact"].values
        map_error[name] = round(float(np.sqrt((apart**2).mean())), 5)
    return {"called": called, "epe_px": epe_px, "map_error": map_error}


def in_crop(flow: Float32[np.ndarray, "2 h w"], to_crop: Transform) -> Float32[np.ndarray, "2 s s"]:
    """A flow of the whole frame as the crop shows it, px of the crop."""
    channels = np.ascontiguousarray(flow.transpose(1, 2, 0))
    moved = cv2.warpAffine(
        channels, to_crop, IMAGE_WH_PX, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.einsum("ij,hwj->ihw", to_crop[:, :2], moved).astype(np.float32)


def _row(clips: Sequence[dict], name: str) -> dict[str, object]:
    """Figures of one method, and the clips that only it, or only gru-aofe, gets right."""
    truth = np.array([clip["label"] for clip in clips])
    seeds = np.array([clip["seed"] for clip in clips])
    right = np.array([clip["called"][name] for clip in clips]) == truth
    ours = np.array([clip["called"]["gru-aofe"] for clip in clips]) == truth
    only_it, only_ours = int((right & ~ours).sum()), int((ours & ~right).sum())
    return {
        "right_fraction": _mean(right),
        "right_fraction_by_seed": [_mean(right[seeds == seed]) for seed in np.unique(seeds)],
        "recall": {label: _mean(right[truth == label]) for label in LABELS},
        "epe_px": _mean([clip["epe_px"][name] for clip in clips]),
        "map_error": _mean([clip["map_error"][name] for clip in clips]),
        "right_only_here": only_it,
        "right_only_gru_aofe": only_ours,
        "p": round(sign_test(only_it, only_ours), 4),
    }


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return round(float(np.mean(values)), 4)


def sign_test(first: int, second: int) -> float:
    """Two-sided probability of a split at least as uneven if both were equally likely."""
    total = first + second
    tail = sum(math.comb(total, k) for k in range(min(first, second) + 1))
    return min(1.0, 2 * tail / 2**total)


if __name__ == "__main__":
    main()
