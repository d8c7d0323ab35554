"""The flag for maps that show no face: what it is blind to, what it catches, how it is read."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.analysis.classify import NetworkClassifier
from hmrm.clip import FlowMap
from hmrm.errors import WeightsError
from hmrm.faces.crops import CANONICAL_CROP
from hmrm.model.novelty import features, novelty_path, read_novelty
from hmrm.model.weight_card import SHIPPED


def noise(seed: int, side: int = 28) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, 3, side, side)).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_strength_of_the_motion_and_the_strain_channel_do_not_matter(
    seed: int, factor: float
) -> None:
    maps = noise(seed)
    other = maps * np.float32(factor)
    other[:, 2] = 7.0
    np.testing.assert_allclose(features(other), features(maps), atol=1e-4)


def test_an_affine_motion_leaves_nothing_unexplained() -> None:
    y, x = np.mgrid[0:28, 0:28].astype(np.float32)
    turned = np.stack([0.3 * y - 4.0, -0.3 * x + 4.0, 0 * x])[None]
    assert features(turned)[0, -1] == pytest.approx(np.log(1e-6), abs=0.1)
    assert features(noise(0))[0, -1] == pytest.approx(0.0, abs=0.1)


def test_maps_of_another_size_are_resampled() -> None:
    maps = noise(3)
    doubled = maps.repeat(2, axis=2).repeat(2, axis=3)
    np.testing.assert_allclose(features(doubled), features(maps), atol=1e-4)


def test_shipped_weights_flag_noise_and_weights_without_a_flag_do_not(tmp_path: Path) -> None:
    flow_map = FlowMap(values=noise(1)[0], crop=CANONICAL_CROP, scale_px=1.0)
    assert NetworkClassifier()(flow_map).unlike_training is True
    for suffix in (".onnx", ".json"):
        content = (SHIPPED / f"hmrm-synthetic{suffix}").read_bytes()
        (tmp_path / f"own{suffix}").write_bytes(content)
    assert NetworkClassifier(tmp_path / "own.onnx")(flow_map).unlike_training is None


@pytest.mark.parametrize("harm", ["no archive", "other shape", "nan", "a member less"])
def test_damage_is_named(harm: str, tmp_path: Path) -> None:
    tensors = tmp_path / "own.safetensors"
    with np.load(novelty_path(SHIPPED / "hmrm-synthetic.safetensors")) as whole:
        arrays = {name: whole[name] for name in whole.files}
    first = arrays["first"]
    broken = {"other shape": first[:, 1:], "nan": np.nan * first}.get(harm, first)
    arrays["first"] = broken
    if harm == "a member less":
        del arrays["mean"]
    np.savez(novelty_path(tensors), allow_pickle=False, **arrays)
    if harm == "no archive":
        novelty_path(tensors).write_bytes(b"PK\x03\x04 and nothing")
    with pytest.raises(WeightsError, match=r"own\.novelty\.npz.*hmrm weights novelty"):
        read_novelty(tensors)


def test_weights_without_it_have_none(tmp_path: Path) -> None:
    assert read_novelty(tmp_path / "own.safetensors") is None
