"""The canonical form: what it keeps, what it ignores, where it puts the face."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.clip import CLASSES
from hmrm.datasets.maps.geometry import measure_face
from hmrm.datasets.maps.importers import load_maps
from hmrm.datasets.maps.prepared import read_prepared, write_prepared
from hmrm.errors import DataError, NumericalError
from hmrm.faces.crops import CROPS
from hmrm.flow.mapset import (
    build_mapset,
    canonical_form,
    canonical_maps,
    canonical_mapset,
    identical_maps,
)
from hmrm.flow.strain import optical_strain
from hmrm.synthetic.datasets.flow_maps import synthesize_maps

SHARED = Path(__file__).parents[2].parent / "shared/data/megc2019_flow"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the 442 public maps are not here")


def mapset(**changes):
    generator = np.random.default_rng(1)
    parts = {
        "ids": ["b/1/x", "a/1/y", "a/2/z"],
        "labels": np.array([0, 1, 2]),
        "maps": generator.random((3, 3, 28, 28), dtype=np.float32),
        "classes": CLASSES,
        "crop": "hmrm-1",
        "channels_apart": True,
        "source": "test",
    }
    return build_mapset(**{**parts, **changes})


def test_clips_are_sorted_by_id_together_with_all_that_is_theirs():
    maps = np.arange(3, dtype=np.float32)[:, None, None, None] * np.ones((3, 3, 28, 28), np.float32)
    found = mapset(maps=maps, offset_maps=maps + 10)
    assert found.ids == ("a/1/y", "a/2/z", "b/1/x")
    assert found.labels.tolist() == [1, 2, 0]
    assert found.maps[:, 0, 0, 0].tolist() == [1, 2, 0]
    assert found.offset_maps[:, 0, 0, 0].tolist() == [11, 12, 10]
    assert found.subjects == ("a/1", "a/2", "b/1")
    assert found.datasets == ("a", "a", "b")


def test_digest_ignores_order_and_notices_every_change():
    plain = mapset()
    order = [2, 0, 1]
    again = mapset(
        ids=[["b/1/x", "a/1/y", "a/2/z"][i] for i in order],
        labels=np.array([0, 1, 2])[order],
        maps=np.random.default_rng(1).random((3, 3, 28, 28), dtype=np.float32)[order],
    )
    assert again.sha256 == plain.sha256
    changed = plain.maps.copy()
    changed[1, 2, 3, 4] += 1e-6
    others = [
        mapset(ids=["b/1/x", "a/1/y", "a/2/w"]),
        mapset(labels=np.array([0, 1, 1])),
        mapset(crop="norm-u-v-os"),
        mapset(classes=("negative", "positive", "other")),
        mapset(channels_apart=False),
        mapset(maps=changed),
        mapset(offset_maps=changed),
    ]
    assert len({m.sha256 for m in others} | {plain.sha256}) == len(others) + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": ["a/1/x", "a/1/x", "a/2/z"]}, "a/1/x occurs twice"),
        ({"ids": ["a/1/x", "a/1", "a/2/z"]}, "not dataset/subject/clip"),
        ({"ids": ["a/1/x", "a//y", "a/2/z"]}, "not dataset/subject/clip"),
        ({"labels": np.array([0, 3, 1])}, "a/1/y: label 3"),
        ({"crop": "other"}, "'other' is unknown"),
        ({"maps": np.full((3, 3, 28, 28), np.nan, np.float32)}, "b/1/x: the map holds NaN"),
    ],
)
def test_bad_parts_are_named(changes, message):
    with pytest.raises(DataError, match=message):
        mapset(**changes)


def test_no_clip_at_all_is_refused():
    with pytest.raises(DataError, match="no clip at all"):
        mapset(ids=[], labels=np.zeros(0, int), maps=np.zeros((0, 3, 28, 28), np.float32))


def test_selection_keeps_clips_whole():
    found = mapset().select([2, 0])
    assert found.ids == ("b/1/x", "a/1/y")
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(found.maps, mapset().maps[[2, 0]])


def test_a_selection_is_a_copy_with_all_that_is_a_clips_own():
    units = np.eye(3, dtype=np.float32)
    whole = replace(mapset(), offset_maps=mapset().maps + 1, units=units)
    part = whole.select([1, 2])
    np.testing.assert_array_equal(part.offset_maps, whole.maps[1:] + 1)
    np.testing.assert_array_equal(part.units, units[1:])
    before = whole.sha256
    for values in (part.maps, part.labels, part.offset_maps, part.units):
        values[:] = 0
    assert replace(whole).sha256 == before


def test_a_changed_set_has_another_digest():
    plain = mapset()
    assert replace(plain, labels=plain.labels[::-1].copy()).sha256 != plain.sha256
    assert plain.select([0, 1, 2]).sha256 == plain.sha256


def test_a_canonical_set_has_both_ways_in_canonical_form():
    plain = mapset(crop="megc2019-flow", offset_maps=mapset().maps[::-1].copy())
    found = canonical_mapset(plain)
    np.testing.assert_array_equal(found.maps, canonical_maps(plain))
    np.testing.assert_array_equal(
        found.offset_maps,
        canonical_form(plain.offset_maps, crop="megc2019-flow", per_channel=True),
    )
    assert (found.crop, found.channels_apart) == ("hmrm-1", False)
    assert canonical_mapset(mapset()).offset_maps is None


@given(
    gain=st.floats(0.01, 100),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    crop=st.sampled_from(sorted(CROPS)),
)
def test_canonical_form_ignores_the_unknown_zero_and_scale(gain, shift, crop):
    maps = np.random.default_rng(0).normal(size=(2, 3, 28, 28))
    moved = maps * gain + np.array([*shift, 0])[None, :, None, None]
    plain = canonical_form(maps.astype(np.float32), crop=crop, per_channel=True)
    again = canonical_form(moved.astype(np.float32), crop=crop, per_channel=True)
    # float32 with an offset up to 5,000 times the signal (gain .01, shift 50): 5e3 · 6e-8 · 10.
    np.testing.assert_allclose(again, plain, atol=2e-2 if gain < 0.5 else 2e-3)


def test_strain_channel_is_recomputed_not_copied():
    found = canonical_maps(mapset())
    np.testing.assert_allclose(found[:, 2], optical_strain(found[:, :2]), rtol=1e-6)


def test_channels_scaled_apart_get_a_scale_each():
    maps = mapset().maps.copy()
    maps[:, 1] *= 7
    apart = canonical_maps(mapset(maps=maps))
    together = canonical_maps(mapset(maps=maps, channels_apart=False))
    assert np.std(apart[:, 0]) == pytest.approx(np.std(apart[:, 1]), rel=0.05)
    assert np.std(together[:, 1]) > 5 * np.std(together[:, 0])


def test_a_linear_field_stays_linear_under_the_crop():
    """Cut rows 4…28 and columns 1…27: the twin reads the same ramp at the cells' centres."""
    ramp = np.tile(np.arange(28, dtype=np.float32), (28, 1))
    maps = np.stack([ramp, ramp.T, ramp])[None]
    found = canonical_form(maps, crop="megc2019-flow", per_channel=True)[0]
    columns = 1 + (np.arange(28) + 0.5) * 26 / 28 - 0.5
    rows = 4 + (np.arange(28) + 0.5) * 24 / 28 - 0.5
    inner = slice(1, -1)
    for values, expected in ((found[0][14], columns), (found[1][:, 14], rows)):
        slope = np.polyfit(expected[inner], values[inner], 1)
        # warpAffine interpolates on a grid of 1/32 px.
        np.testing.assert_allclose(np.polyval(slope, expected[inner]), values[inner], atol=5e-3)
    assert found[0][14].mean() == pytest.approx(0, abs=1e-2)
    assert np.polyval(np.polyfit(columns[inner], found[0][14][inner], 1), 13.5) == pytest.approx(
        0, abs=1e-2
    )


def test_nan_is_refused():
    with pytest.raises(NumericalError, match="map number 1"):
        maps = np.zeros((2, 3, 28, 28), np.float32)
        maps[1, 0, 0, 0] = np.nan
        canonical_form(maps, crop="hmrm-1", per_channel=True)


def test_identical_maps_are_grouped():
    maps = mapset().maps[[0, 1, 0]]
    assert identical_maps(mapset(maps=maps)) == (("a/2/z", "b/1/x"),)


@pytest.mark.parametrize("crop", sorted(CROPS))
def test_face_is_measured_where_it_was_placed(crop):
    synthetic = synthesize_maps(subjects=6, clips=12, crop=crop, generator=np.random.default_rng(3))
    found = measure_face(canonical_maps(synthetic))
    assert (found.axis_x, found.eye_x) == pytest.approx((0.5, 0.215), abs=0.02)
    assert (found.eye_y, found.mouth_y) == pytest.approx((0.27, 0.67), abs=0.04)


def test_a_face_cannot_be_measured_without_motion():
    with pytest.raises(DataError, match="no map holds any motion"):
        measure_face(np.zeros((3, 3, 28, 28)))


@needs_shared
def test_crop_of_the_public_maps_follows_from_their_average_motion():
    """Rows 4…28, columns 1…27: solved from eyes and mouth, no label and no score involved."""
    found = measure_face(load_maps(SHARED).maps)
    height = (found.mouth_y - found.eye_y) / (0.68 - 0.27) * 28
    top = found.eye_y * 28 - 0.27 * height
    width = 2 * (found.axis_x - found.eye_x) / (0.785 - 0.215) * 28
    left = found.axis_x * 28 - width / 2
    # Half a cell: the box is the nearest one of whole cells.
    assert (top, top + height) == pytest.approx((4, 28), abs=0.5)
    assert (left, left + width) == pytest.approx((1, 27), abs=0.5)


@needs_shared
def test_eyes_of_the_public_maps_land_on_the_canonical_eyes():
    found = measure_face(canonical_maps(load_maps(SHARED)))
    assert (found.axis_x, found.eye_x, found.eye_y) == pytest.approx((0.5, 0.215, 0.27), abs=0.01)
    assert found.mouth_y == pytest.approx(0.68, abs=0.02)


def damaged(folder, **changes):
    write_prepared(folder, mapset())
    with np.load(folder / "maps.npz") as archive:
        arrays = {**archive, **changes}
    np.savez(folder / "maps.npz", **{k: v for k, v in arrays.items() if v is not None})
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": None}, "'ids' is missing"),
        ({"labels": np.zeros(3)}, "array 'labels': has values of type"),
        ({"labels": np.zeros(2, int)}, "3 ids but 2 labels"),
        ({"maps": np.zeros((3, 28, 28), np.float32)}, "expected \\(n, 3, s, s\\)"),
        ({"ids": np.array([1, 2, 3], dtype=object)}, "cannot be read"),
        ({"crop": np.array("mine")}, "'mine' is unknown"),
    ],
)
def test_damaged_prepared_file_is_named(tmp_path, changes, message):
    with pytest.raises(DataError, match=f"maps.npz.*{message}"):
        read_prepared(damaged(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rest", b"no archive"])
def test_unreadable_prepared_file_is_named(tmp_path, content):
    (tmp_path / "maps.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"maps\.npz"):
        read_prepared(tmp_path)
