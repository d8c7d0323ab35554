"""The benchmark of sizes: one motion in every kind of map, folds over subjects, a true page."""

import json

import numpy as np
import pytest

from benchmarks.size.__main__ import ROOT, compared, out_of_fold
from benchmarks.size.clips import BYTES, BYTES_APART, VARIANTS, in_bytes, rendered_maps
from benchmarks.size.page import page, verdict
from hmrm.flow.mapset import MapSet


@pytest.fixture(scope="module")
def maps() -> dict[str, MapSet]:
    return rendered_maps(subjects=5, clips=3, seed=5, flow="dis")


def test_every_kind_of_map_shows_the_same_clips(maps: dict[str, MapSet]) -> None:
    assert tuple(maps) == VARIANTS
    assert {one.ids for one in maps.values()} == {maps["28"].ids}
    assert len(set(maps["28"].subjects)) == 5 and set(maps["28"].labels.tolist()) == {0, 1, 2}
    for size, cells in (("56", 2), ("112", 4)):
        coarse = maps[size].maps[:, :2].reshape(15, 2, 28, cells, 28, cells).mean((3, 5))
        for large, small in zip(coarse, maps["28"].maps[:, :2], strict=True):
            assert np.corrcoef(large.ravel(), small.ravel())[0, 1] > 0.99


def test_people_have_faces_and_clips_of_their_own(maps: dict[str, MapSet]) -> None:
    again = rendered_maps(subjects=2, clips=3, seed=5, flow="dis")["28"]
    np.testing.assert_array_equal(again.maps, maps["28"].maps[:6])
    assert len({values.tobytes() for values in maps["28"].maps}) == 15


def test_bytes_have_256_levels_and_err_by_half_a_level() -> None:
    uv = np.random.default_rng(0).normal(size=(2, 28, 28)).astype(np.float32)
    stored = in_bytes(uv)
    for before, after in zip(uv, stored, strict=True):
        assert len(np.unique(after)) <= 256
        half = (before.max() - before.min()) / 510
        assert 0.9 * half < np.abs(after - before).max() < 1.001 * half
    np.testing.assert_array_equal(in_bytes(np.ones((2, 4, 4), np.float32)), 1)


def test_u_and_v_apart_lose_their_ratio(maps: dict[str, MapSet]) -> None:
    together, apart = maps[BYTES].maps[:, :2], maps[BYTES_APART].maps[:, :2]
    ratios = [
        np.sqrt((m**2).mean((2, 3)).max(1) / (m**2).mean((2, 3)).min(1)) for m in (together, apart)
    ]
    assert np.median(ratios[1]) < 1.2 < np.median(ratios[0])


def test_differences_are_to_maps_of_28(maps: dict[str, MapSet]) -> None:
    rows = compared(maps, "svm-tuned")
    assert tuple(rows) == VARIANTS and "over_28" not in rows["28"]
    for name in VARIANTS[1:]:
        assert rows[name]["uf1"]["value"] == out_of_fold(maps[name], "svm-tuned").score().uf1
        gain = rows[name]["uf1"]["value"] - rows["28"]["uf1"]["value"]
        assert rows[name]["over_28"]["uf1"]["value"] == pytest.approx(gain)


def test_the_page_is_that_of_the_committed_result() -> None:
    result = json.loads((ROOT / "benchmarks/size/results.json").read_text())
    assert page(result) == (ROOT / "docs/benchmarks/size.md").read_text()
    assert result["clips"] == 240 and result["flow"] == "deepflow"


def test_the_verdict_follows_the_intervals() -> None:
    result = json.loads((ROOT / "benchmarks/size/results.json").read_text())
    assert verdict(result["models"]).startswith("No difference shown")
    result["models"]["svm-tuned"]["56"]["over_28"]["uf1"] = {"value": 0.1, "low": 0.05, "high": 0.2}
    assert "svm-tuned on maps of 56" in verdict(result["models"])
    assert "112" not in verdict(result["models"])
