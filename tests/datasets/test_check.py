"""hmrm datasets check: counts, duplicates, and whether the face lies where the crop says."""

import json
from pathlib import Path

import numpy as np
import pytest

from hmrm.datasets.maps.check import MapCounts, check_maps
from hmrm.datasets.maps.composite import CLIPS, SUBJECTS, differences_from_composite
from hmrm.datasets.maps.importers import load_maps
from hmrm.flow.mapset import build_mapset
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout

SHARED = Path(__file__).parents[2].parent / "shared/data/megc2019_flow"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the 442 public maps are not here")


def composite_ids():
    ids, labels = [], []
    for dataset, counts in CLIPS.items():
        for label, count in enumerate(counts):
            for i in range(count):
                ids.append(f"{dataset}/{i % SUBJECTS[dataset]}/{label}-{i}")
                labels.append(label)
    return ids, np.array(labels)


def test_the_composite_is_442_clips_of_68_subjects():
    assert (sum(map(sum, CLIPS.values())), sum(SUBJECTS.values())) == (442, 68)
    assert tuple(np.sum(list(CLIPS.values()), axis=0)) == (250, 109, 83)
    assert differences_from_composite(*composite_ids()) == ()


def test_every_difference_from_the_composite_is_told():
    ids, labels = composite_ids()
    labels[0] = 1
    found = differences_from_composite([*ids, "dfme/1/x"], np.append(labels, 0))
    assert found[0].startswith("casme2: (87, 33, 25)")
    assert found[-1] == "dfme: not in the composite"


@needs_shared
def test_the_public_maps_are_the_whole_composite():
    found = load_maps(SHARED)
    assert differences_from_composite(found.ids, found.labels) == ()


def test_counts_agree_with_what_was_synthesized(tmp_path):
    synthetic = synthesize_maps(subjects=2, clips=3, generator=np.random.default_rng(0))
    write_layout(tmp_path, synthetic, layout="folds")
    found = check_maps(tmp_path)
    assert (found.clips, found.subjects, found.layout) == (18, 6, "folds")
    by_class = {"negative": 2, "positive": 2, "surprise": 2}
    assert found.datasets["samm"] == MapCounts(clips=6, subjects=2, by_class=by_class)
    assert found.by_subject["smic/s02"] == {"negative": 1, "positive": 1, "surprise": 1}
    assert found.identical_maps == ()
    assert found.sha256 == load_maps(tmp_path).sha256
    table = json.loads(found.to_json())
    assert table["datasets"]["samm"] == {"clips": 6, "subjects": 2, "by_class": by_class}
    assert table["face"].keys() == {"measured", "note"}


def test_a_crop_that_is_declared_wrongly_is_noticed(tmp_path):
    synthetic = synthesize_maps(
        subjects=6, clips=8, crop="megc2019-flow", generator=np.random.default_rng(0)
    )
    parts = ("ids", "labels", "maps", "classes", "channels_apart", "source")
    for crop, fits in (("megc2019-flow", True), ("norm-u-v-os", False)):
        declared = build_mapset(**{k: getattr(synthetic, k) for k in parts}, crop=crop)
        write_layout(tmp_path / crop, declared, layout="prepared")
        note = check_maps(tmp_path / crop).face.note
        assert ("does not fit" not in note) is fits, note


def test_too_few_clips_are_not_measured(tmp_path):
    synthetic = synthesize_maps(subjects=1, clips=3, generator=np.random.default_rng(0))
    write_layout(tmp_path, synthetic, layout="flat")
    assert check_maps(tmp_path).face.measured is None
