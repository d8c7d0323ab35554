"""hmrm datasets check: counts, duplicates, and whether the face lies where the crop says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmrm.datasets.maps.check import MapCounts, check_maps
from hmrm.datasets.maps.composite import CLIPS, SUBJECTS, differences_from_composite
from hmrm.datasets.maps.importers import load_maps
from hmrm.evaluation.pretrained import load_pretrained, score_pretrained
from hmrm.faces.crops import CROPS, CropBox, crop_box
from hmrm.flow.mapset import _cut, build_mapset, canonical_maps
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


def as_folds(synthetic, folder):
    write_layout(folder, synthetic, layout="folds")
    return folder


def test_maps_of_another_known_crop_are_taken_in_it(tmp_path):
    synthetic = synthesize_maps(
        subjects=6, clips=8, crop="megc2019-flow", generator=np.random.default_rng(0)
    )
    # The layout of folds stands for norm-u-v-os.
    found = check_maps(as_folds(synthetic, tmp_path))
    assert found.crop == "megc2019-flow"
    assert "not the declared one" in found.face.note
    (issue,) = [one for one in found.issues if one.code == "crop_measured"]
    assert "declares the crop norm-u-v-os" in issue.message and "eye_y" in issue.message
    fitted = canonical_maps(load_maps(tmp_path))
    np.testing.assert_array_equal(fitted, canonical_maps(synthetic))


def test_an_unknown_crop_is_measured_and_mapped(tmp_path, monkeypatch):
    place = CropBox(top=0.08, bottom=0.98, left=0.06, right=0.94)
    monkeypatch.setitem(CROPS, "norm-u-v-os", place)
    synthetic = synthesize_maps(subjects=8, clips=9, generator=np.random.default_rng(1))
    monkeypatch.undo()
    found = check_maps(as_folds(synthetic, tmp_path))
    assert found.crop.startswith("measured:")
    box = crop_box(found.crop)
    for name in ("top", "bottom", "left", "right"):
        assert getattr(box, name) == pytest.approx(getattr(place, name), abs=0.06)
    assert found.face.measured.eye_y == pytest.approx(0.27, abs=0.02)


def test_what_is_no_face_keeps_the_declared_crop(tmp_path):
    noise = synthesize_maps(subjects=6, clips=8, noise=40.0, generator=np.random.default_rng(2))
    found = check_maps(as_folds(noise, tmp_path))
    assert found.crop == "norm-u-v-os"
    if "does not fit" in found.face.note:
        assert "The layout of folds declares norm-u-v-os" in found.face.note
    assert not [one for one in found.issues if one.code == "crop_measured"]


@needs_shared
def test_zero_shot_on_another_rendering_does_not_fall(tmp_path):
    public = load_maps(SHARED)
    assert public.crop == "megc2019-flow"
    # The same clips as STSTNet's rendering crops them, in the layout with labels.csv.
    uv = np.stack([_cut(m[:2], CROPS[public.crop], side=28) for m in public.maps])
    low, high = uv.min((2, 3), keepdims=True), uv.max((2, 3), keepdims=True)
    scaled = np.round((uv - low) / (high - low) * 255).astype(np.float32) / 255
    maps = np.concatenate([scaled, public.maps[:, 2:]], axis=1)
    write_layout(tmp_path, replace(public, maps=maps, crop="norm-u-v-os"), layout="flat")
    found = load_maps(tmp_path)
    assert crop_box(found.crop) == CROPS["norm-u-v-os"]
    model = load_pretrained("hmrm-synthetic")
    scores = [
        score_pretrained(model, m, tmp_path / name).summary.composite.uf1.mean
        for name, m in (("public", public), ("found", found))
    ]
    assert scores[1] > scores[0] - 0.02
