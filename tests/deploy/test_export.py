"""Exported networks: what torch answers, from files that belong to their weights."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from hmrm import onnx_format
from hmrm.analysis.classify import NetworkClassifier
from hmrm.cli.main import app
from hmrm.clip import FlowMap
from hmrm.datasets.maps.importers import load_maps
from hmrm.deploy import export
from hmrm.deploy.export import export_weights
from hmrm.dnn import TENSORS_DIGEST
from hmrm.errors import DataError, NumericalError, WeightsError
from hmrm.flow.mapset import canonical_maps
from hmrm.model.checkpoints import load_model, save_checkpoint
from hmrm.model.exported import ExportedHmrm, load_exported
from hmrm.model.fitted_network import FittedHmrm
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import SHIPPED, WeightCard, shipped_names
from hmrm.provenance import sha256

CLASSES = ("negative", "positive", "surprise")
SMALL = HMRMConfig(dim=8, depth=2, state=3, heads=2, fine_grid=2, fine_kernel=2)
REAL = Path(__file__).parents[3] / "shared" / "data" / "megc2019_flow"


def some_maps(count: int, side: int = 28) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, 3, side, side)).astype(np.float32)


def saved(folder: Path, config: HMRMConfig = SMALL, *, steps: int = 1, seed: int = 3) -> Path:
    network = HMRM(config, classes=CLASSES, generator=torch.Generator().manual_seed(seed))
    card = WeightCard(
        config=config, classes=CLASSES, crop="hmrm-1", trained_on="a test", steps=steps
    )
    path = folder / "tiny.safetensors"
    save_checkpoint(path, network, card)
    return path


def opened(name: str | Path) -> ExportedHmrm:
    found = load_exported(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_network_is_exported_from_its_safetensors(name: str, tmp_path: Path) -> None:
    tensors, exported = SHIPPED / f"{name}.safetensors", SHIPPED / f"{name}.onnx"
    stated = onnx_format.checked_metadata(exported.read_bytes())
    assert stated[TENSORS_DIGEST] == sha256(tensors)
    export_weights(name, tmp_path)
    assert (tmp_path / exported.name).read_bytes() == exported.read_bytes()


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_networks_answer_as_torch_does(name: str) -> None:
    maps = some_maps(12)
    network, _ = load_model(name)
    expected = FittedHmrm(network=network).predict(maps)
    np.testing.assert_allclose(opened(name).predict(maps), expected, atol=1e-5)


@pytest.mark.parametrize("name", shipped_names())
def test_action_units_and_maps_without_a_region_are_torchs(name: str) -> None:
    maps = some_maps(2)
    network, card = load_model(name)
    reference, exported = FittedHmrm(network=network), opened(name)
    found = exported.action_units(maps)
    assert found.shape == (2, len(card.action_units))
    np.testing.assert_allclose(found, reference.action_units(maps), atol=1e-5)
    for values in maps:
        without = exported.without_each_region(values)
        np.testing.assert_allclose(without, reference.without_each_region(values), atol=1e-5)
        np.testing.assert_allclose(without[0], exported.predict(values[None])[0], atol=1e-12)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the 442 public maps are not here")
@pytest.mark.parametrize("name", shipped_names())
def test_probabilities_and_regions_of_all_real_clips_are_torchs(name: str) -> None:
    maps = canonical_maps(load_maps(REAL))
    assert len(maps) == 442
    network, _ = load_model(name)
    reference, exported = FittedHmrm(network=network), opened(name)
    expected = reference.predict(maps)
    np.testing.assert_allclose(exported.predict(maps), expected, atol=1e-4)
    for values in maps[::40]:
        same_answer(exported, reference, values)


def same_answer(exported: ExportedHmrm, reference: FittedHmrm, values: np.ndarray) -> None:
    """Probabilities; and the gradient, which the exported network has as a difference."""
    found, expected = exported.answer(values), reference.answer(values)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    gradient = expected.contributions
    np.testing.assert_allclose(found.contributions, gradient, atol=0.02 * np.abs(gradient).max())


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, map_size=56, coarse_grid=3, coarse_kernel=3, fusion="global"),
        replace(SMALL, directions="forward", expand=1, state=1),
        replace(SMALL, kernels="shared", coarse_kernel=2),
    ],
    ids=["lite", "large maps", "one direction", "shared kernels"],
)
def test_networks_of_other_sizes(config: HMRMConfig, tmp_path: Path) -> None:
    path = saved(tmp_path, config)
    done = export_weights(str(path))
    assert done.paths == (path.with_suffix(".onnx"),) and done.difference < 1e-5
    maps = some_maps(3, config.map_size)
    network, _ = load_model(path)
    reference, exported = FittedHmrm(network=network), opened(path)
    np.testing.assert_allclose(exported.predict(maps), reference.predict(maps), atol=1e-5)
    same_answer(exported, reference, maps[0])


def test_a_clip_alone_is_a_clip_in_a_batch(tmp_path: Path) -> None:
    export_weights(str(saved(tmp_path)))
    exported, maps = opened(tmp_path / "tiny"), some_maps(4)
    alone = np.concatenate([exported.predict(maps[i : i + 1]) for i in range(4)])
    np.testing.assert_array_equal(exported.predict(maps), alone)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"mixer": "attention"}, "mixer = attention"), ({"fusion": "mean"}, "fusion = mean")],
)
def test_networks_of_ablations_are_refused(
    change: dict[str, str], words: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, replace(SMALL, **change))
    with pytest.raises(WeightsError, match=words):
        export_weights(str(path))
    assert not path.with_suffix(".onnx").exists()


def test_a_graph_that_differs_from_torch_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, build = saved(tmp_path), export.hmrm_graph

    def other(config, tensors, patches, metadata):  # type: ignore[no-untyped-def]
        changed = tensors | {"fused_head.bias": tensors["fused_head.bias"] + 0.01}
        return build(config, changed, patches, metadata)

    monkeypatch.setattr(export, "hmrm_graph", other)
    with pytest.raises(WeightsError, match=r"differs from torch by 0\.01"):
        export_weights(str(path))
    assert not path.with_suffix(".onnx").exists()


def test_a_file_of_other_weights_is_noticed(tmp_path: Path) -> None:
    export_weights(str(saved(tmp_path)))
    assert load_exported(tmp_path / "tiny") is not None
    path = saved(tmp_path, seed=4)
    with pytest.raises(WeightsError, match=r"digest differs.*hmrm weights export"):
        load_exported(path)
    with pytest.raises(WeightsError, match="digest differs"):
        NetworkClassifier(path)
    export_weights(str(path))
    card = json.loads(path.with_suffix(".json").read_text())
    card["classes"] = ["positive", "negative", "surprise"]
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="was not exported from"):
        load_exported(path)


@pytest.mark.parametrize("damage", [b"", b"nothing of the kind", 0.5, 0.999])
def test_damaged_files_never_reach_opencv(tmp_path: Path, damage: bytes | float) -> None:
    export_weights(str(saved(tmp_path)))
    file = tmp_path / "tiny.onnx"
    content = bytearray(file.read_bytes())
    if isinstance(damage, bytes):
        content = bytearray(damage)
    else:
        content[int(len(content) * damage)] ^= 4
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"tiny\.onnx"):
        load_exported(file)


def test_random_damage_ends_in_an_error_of_ours_or_changes_nothing(tmp_path: Path) -> None:
    export_weights(str(saved(tmp_path)))
    file, rng = tmp_path / "tiny.onnx", np.random.default_rng(0)
    content, maps = file.read_bytes(), some_maps(1)
    expected, refused = opened(file).predict(maps), 0
    # Where the graph ends the metadata begin: half of the damage is there.
    tail = len(content) - 400
    for round_ in range(300):
        place = int(rng.integers(0 if round_ % 2 else tail, len(content)))
        damaged = bytearray(content)
        if round_ % 3:
            damaged[place] ^= 1 << int(rng.integers(8))
        else:
            damaged[place : place + int(rng.integers(1, 9))] = rng.bytes(int(rng.integers(9)))
        file.write_bytes(damaged)
        try:
            found = opened(file).predict(maps)
        except WeightsError:
            refused += 1
            continue
        np.testing.assert_array_equal(found, expected)
    assert refused > 200


def test_an_opencv_that_would_answer_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("cv2.dnn.ENGINE_NEW")
    with pytest.raises(WeightsError, match="needs OpenCV 5"):
        load_exported("hmrm-synthetic")


def test_untrained_weights_and_unfit_maps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="random weights"):
        export_weights(str(saved(tmp_path, steps=0)))
    export_weights(str(saved(tmp_path)))
    exported = opened(tmp_path / "tiny.onnx")
    with pytest.raises(DataError, match="shape"):
        exported.check(some_maps(1, 56))
    with pytest.raises(DataError, match="flow map 1: all zero"):
        exported.check(some_maps(2) * np.float32([1, 0]).reshape(2, 1, 1, 1))
    with pytest.raises(NumericalError, match="flow map 0"):
        exported.check(some_maps(1) * np.float32("nan"))


def test_onnx_and_card_are_enough_elsewhere(tmp_path: Path) -> None:
    path, there = saved(tmp_path), tmp_path / "there"
    there.mkdir()
    done = CliRunner().invoke(app, ["weights", "export", str(path), "-o", str(there)])
    assert done.exit_code == 0 and "tiny.onnx" in done.stdout
    assert sorted(file.name for file in there.iterdir()) == ["tiny.json", "tiny.onnx"]
    flow_map = FlowMap(values=some_maps(1)[0], crop="hmrm-1", scale_px=1.0)
    by_torch, by_opencv = NetworkClassifier(path), NetworkClassifier(there / "tiny.onnx")
    assert by_torch.origin == by_opencv.origin
    one, other = by_torch(flow_map), by_opencv(flow_map)
    assert one.decisive_region == other.decisive_region
    assert other.probabilities == pytest.approx(one.probabilities, abs=1e-5)


def test_mtcnn_is_exported_by_its_name(tmp_path: Path) -> None:
    done = export_weights("mtcnn", tmp_path)
    assert done.difference < 1e-4
    for path in done.paths:
        assert path.read_bytes() == (SHIPPED / path.name).read_bytes()


def test_numbers_of_the_format() -> None:
    # The examples of the protocol buffers' own description.
    assert onnx_format.varint(150) == b"\x96\x01"
    assert onnx_format.field(1, 150) == b"\x08\x96\x01"
    assert onnx_format.field(2, "testing") == b"\x12\x07testing"
    assert onnx_format.varint(-1) == b"\xff" * 9 + b"\x01"
