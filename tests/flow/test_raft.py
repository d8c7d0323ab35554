"""RAFT: counts as published, parts against slow twins, and checkpoints that keep their numbers."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import InputError, WeightsError
from hmrm.flow.estimate import build_estimator, estimate_flow, noise_floor_px, weights_sha256
from hmrm.flow.raft.checkpoint import convert_checkpoint, translated
from hmrm.flow.raft.network import (
    Raft,
    RaftConfig,
    convex_upsampled,
    correlation_levels,
    lookup,
)
from hmrm.flow.raft.weights import RaftCard, load_raft_weights, save_raft_weights

# Published: encoders, motion encoder, recurrent unit, head, mask, all; entries of the state dict.
COUNTS = {
    "large": (1_066_848, 1_069_728, 902_654, 1_475_328, 299_778, 443_200, 5_257_536, 169),
    "small": (55_264, 58_368, 135_952, 627_552, 113_026, 0, 990_162, 106),
}


def raft(size: str, *, seed: int = 0, iterations: int = 2) -> Raft:
    config = RaftConfig(size=size, iterations=iterations)
    return Raft(config, generator=torch.Generator().manual_seed(seed)).eval()


def count(module: nn.Module | None) -> int:
    return 0 if module is None else sum(value.numel() for value in module.parameters())


@pytest.mark.parametrize("size", COUNTS)
def test_parameters_are_as_many_as_published(size: str) -> None:
    network = raft(size)
    update = network.update_block
    found = (
        *(count(network.feature_encoder), count(network.context_encoder)),
        *(count(update.motion_encoder), count(update.recurrent_block), count(update.flow_head)),
        *(count(network.mask_predictor), count(network), len(network.state_dict())),
    )
    assert found == COUNTS[size]


def test_equal_features_of_unit_length_correlate_by_the_root_of_their_channels() -> None:
    features = torch.full((1, 4, 16, 16), 0.5)
    levels = correlation_levels(features, features)
    assert [level.shape[-1] for level in levels] == [16, 8, 4, 2]
    for level in levels:
        torch.testing.assert_close(level, torch.full_like(level, 0.5))


def test_windows_are_read_x_slow_and_y_fast() -> None:
    torch.manual_seed(0)
    level = torch.rand(4, 1, 16, 18)
    centre = torch.tensor([[5.0, 6.0], [7.5, 3.25]]).T.reshape(1, 2, 1, 2)
    found = lookup([level[:2]], centre, radius=1)[0, :, 0]
    for place in range(2):
        x, y = (float(value) for value in centre[0, :, 0, place])
        expected = [
            bilinear(level[place, 0], x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)
        ]
        np.testing.assert_allclose(found[:, place].numpy(), expected, rtol=1e-4)


def bilinear(image: torch.Tensor, x: float, y: float) -> float:
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for column, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
        weight = (1 - abs(x - column)) * (1 - abs(y - row))
        if weight > 0:
            total += weight * float(image[row, column])
    return total


@pytest.mark.parametrize("size", COUNTS)
def test_a_head_of_zeros_gives_exactly_no_flow(size: str) -> None:
    network = raft(size)
    last = network.update_block.flow_head.conv2
    nn.init.zeros_(last.weight)
    images = torch.rand(2, 1, 1, 60, 75) * 255
    with torch.no_grad():
        found = network(*images, every=True)
        assert len(found) == 2
        assert found[-1].flow.shape == (1, 2, 60, 75)
        assert not found[-1].flow.any()
        assert last.bias is not None
        # One cell to the right in the two refinements together is 8 px.
        last.bias[0] = 0.5
        flow = network(*images)[-1].flow[0]
    inner = flow[:, :48, :64] if size == "small" else flow[:, 8:48, 8:64]
    torch.testing.assert_close(inner[0], torch.full_like(inner[0], 8.0))
    assert inner[1].abs().max() < 1e-5


def test_convex_upsampling_equals_its_slow_twin() -> None:
    torch.manual_seed(1)
    flow, mask = torch.rand(1, 2, 3, 4), torch.rand(1, 576, 3, 4)
    found = convex_upsampled(flow, mask)[0].numpy()
    padded = np.pad(flow[0].numpy(), ((0, 0), (1, 1), (1, 1)))
    weights = mask.view(9, 8, 8, 3, 4).softmax(0).numpy()
    for row, column in ((0, 0), (9, 17), (23, 31)):
        i, j = row // 8, column // 8
        mixed = sum(
            weights[3 * a + b, row % 8, column % 8, i, j] * padded[:, i + a, j + b]
            for a in range(3)
            for b in range(3)
        )
        np.testing.assert_allclose(found[:, row, column], mixed, rtol=1e-5)


def as_the_authors_name_them(network: Raft) -> dict[str, torch.Tensor]:
    """A state dict under the names of princeton-vl/RAFT, with the norms they repeat."""
    found = {}
    for name, value in network.state_dict().items():
        for pattern, to in (
            (r"convnormrelu\.0\.", "conv1."),
            (r"convnormrelu\.1\.", "norm1."),
            (r"(feature|context)_encoder\.conv\.", r"\1_encoder.conv2."),
            (r"convnormrelu(\d)\.0\.", r"conv\1."),
            (r"convnormrelu(\d)\.1\.", r"norm\1."),
            (r"update_block\.motion_encoder\.(conv\w*)\.0\.", r"update_block.encoder.\1."),
            (r"encoder\.convcorr", "encoder.convc"),
            (r"encoder\.convflow", "encoder.convf"),
            (r"mask_predictor\.convrelu\.0", "update_block.mask.0"),
            (r"mask_predictor\.conv\.", "update_block.mask.2."),
            ("feature_encoder", "fnet"),
            ("context_encoder", "cnet"),
        ):
            name = re.sub(pattern, to, name)
        if network.config.size == "large":
            name = re.sub(r"recurrent_block\.convgru(\d)\.(conv\w)", r"gru.\2\1", name)
        else:
            name = name.replace("recurrent_block.convgru1", "gru")
        found[f"module.{name}"] = value
        if "downsample.1." in name:
            found[f"module.{name.replace('downsample.1.', 'norm3.')}"] = value
    return found


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("legacy", [False, True])
def test_both_kinds_of_checkpoints_keep_every_number(
    size: str, legacy: bool, tmp_path: Path
) -> None:
    network = raft(size, seed=3)
    theirs = as_the_authors_name_them(network)
    assert not set(theirs) & set(network.state_dict())
    assert set(translated(theirs)) == set(network.state_dict())
    files = {"authors.pth": theirs, "torchvision.pth": network.state_dict()}
    for name, tensors in files.items():
        torch.save(tensors, tmp_path / name, _use_new_zipfile_serialization=not legacy)
        out = tmp_path / f"{name}.safetensors"
        card = convert_checkpoint(tmp_path / name, out)
        assert card.config.size == size
        loaded, again = load_raft_weights(out)
        assert again == card and card.checkpoint_sha256 is not None
        for key, value in network.state_dict().items():
            torch.testing.assert_close(loaded.state_dict()[key], value, rtol=0, atol=0)


def test_a_file_of_objects_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "bad.pth"
    path.write_bytes(pickle.dumps({"a": Harmful()}))
    with pytest.raises(WeightsError, match=r"bad\.pth"):
        convert_checkpoint(path, tmp_path / "bad.safetensors")
    torch.save({"fnet.conv1.weight": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="not the tensors of RAFT small"):
        convert_checkpoint(tmp_path / "other.pth", tmp_path / "other.safetensors")
    torch.save({"optimizer": {"lr": 1}}, tmp_path / "state.pth")
    with pytest.raises(WeightsError, match="tensors by name"):
        convert_checkpoint(tmp_path / "state.pth", tmp_path / "state.safetensors")
    assert not list(tmp_path.glob("*.safetensors")) and not (tmp_path / "ran").exists()


def test_weights_of_ones_own_are_a_flow_method(tmp_path: Path) -> None:
    torch.save(raft("small").state_dict(), tmp_path / "small.pth")
    out = tmp_path / "small.safetensors"
    result = CliRunner().invoke(
        app, ["weights", "raft", str(tmp_path / "small.pth"), "-o", str(out)]
    )
    assert result.exit_code == 0, result.output
    method = f"raft:{out}"
    generator = np.random.default_rng(0)
    onset, apex = generator.integers(0, 255, (2, 40, 50)).astype(np.uint8)
    flow = estimate_flow(onset, apex, method=method)
    assert flow.shape == (2, 40, 50) and flow.any()
    np.testing.assert_array_equal(flow, build_estimator(method)(onset, apex))
    assert weights_sha256(method) == json.loads(out.with_suffix(".json").read_text())["sha256"]
    with pytest.raises(InputError, match="not measured"):
        noise_floor_px(method)
    with pytest.raises(InputError, match="raft:FILE"):
        build_estimator("raft:")
    with pytest.raises(WeightsError, match="hmrm weights raft"):
        estimate_flow(onset, apex, method=f"raft:{tmp_path / 'none.safetensors'}")


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    card = RaftCard(config=RaftConfig(size="small"), trained_on="nothing")
    save_raft_weights(out, raft("small"), card)
    out.write_bytes(out.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="digest"):
        load_raft_weights(out)
    with pytest.raises(WeightsError, match=r"\.safetensors"):
        save_raft_weights(tmp_path / "w.pth", raft("small"), card)
