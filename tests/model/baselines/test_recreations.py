"""Re-creations of GEME, FRL-DGT and MFDAN: counts, values computed by hand, how they start."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from toy_frames import toy_clip, toy_frame_set

from hmrm.errors import ConfigError, DataError
from hmrm.model.baselines.frl_dgt import FrlDgt, warped
from hmrm.model.baselines.geme import Geme, dynamic_image, gender_targets, rank_weights
from hmrm.model.baselines.mfdan import FlowDrivenBlock, Mfdan, missed_keys
from hmrm.model.contract import FittedRecogniser
from hmrm.training.frame_losses import (
    balanced_weights,
    displacement_loss,
    geme_loss,
    gender_loss,
)
from hmrm.training.frame_recogniser import FrameRecogniser, read_genders
from hmrm.training.loss import focal_cross_entropy
from hmrm.training.registry import MODELS, build_recogniser

NAMES = ("geme-recreation-without-gender", "frl-dgt-recreation", "mfdan-recreation")


def count(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


def test_parts_have_the_parameters_that_were_counted() -> None:
    geme = Geme(classes=3)
    assert count(geme.emotion) == count(geme.gender) == 388_896
    frl = FrlDgt(classes=3)
    assert count(frl.generator) == 169_346
    assert (count(frl.box_layers), count(frl.face_layers)) == (93_184, 240_896)
    fusions = (frl.local, frl.across, frl.whole)
    assert sum(count(one.attend) for one in fusions) == 397_440
    assert sum(count(one.mix) for one in fusions) == 5_912
    assert sum(one.positions.numel() for one in fusions) == 12_672
    assert (frl.class_token.numel(), count(frl.classify)) == (128, 643)
    mfdan = Mfdan(classes=3)
    parts = (mfdan.patches, mfdan.flow, mfdan.blocks[0], mfdan.classify)
    assert [count(part) for part in parts] == [37_056, 209_328, 408_576, 963]
    assert mfdan.positions.numel() == 37_632


def test_rank_weights_are_those_computed_by_hand_and_sum_to_zero() -> None:
    np.testing.assert_allclose(rank_weights(2), [-1 / 2, 1 / 2])
    np.testing.assert_allclose(rank_weights(3), [-4 / 3, 2 / 3, 2 / 3])
    for frames in (1, 4, 17):
        assert abs(rank_weights(frames).sum()) < 1e-9


def test_a_static_clip_is_an_image_of_zeros_and_a_moving_one_spans_0_to_1() -> None:
    still = np.repeat(toy_clip(0, np.random.default_rng(0)).grey[:1], 9, axis=0)
    assert not dynamic_image(still).any()
    moving = dynamic_image(toy_clip(0, np.random.default_rng(0)).grey)
    assert (moving.min(), moving.max()) == (0, 1)


def test_weights_and_focal_loss_are_those_computed_by_hand() -> None:
    weights = balanced_weights(torch.tensor([2, 1]), beta=0.9)
    torch.testing.assert_close(weights, torch.tensor([0.6897, 1.3103]), atol=5e-5, rtol=0)
    loss = focal_cross_entropy(torch.zeros(1, 2), torch.tensor([0]), gamma=2.0)
    assert abs(float(loss) - 0.1733) < 5e-5


def test_unknown_genders_give_a_loss_of_zero_and_a_gradient_that_is_none() -> None:
    scores = torch.zeros(3, 2, requires_grad=True)
    assert float(gender_loss(scores, torch.tensor([-1, -1, -1]))) == 0
    some = gender_loss(scores, torch.tensor([-1, 1, -1]))
    torch.testing.assert_close(some, torch.tensor(2.0).log())
    some.backward()
    assert scores.grad is not None and scores.grad[[0, 2]].abs().sum() == 0


def test_at_the_start_emotion_ignores_the_gender_stream() -> None:
    torch.manual_seed(0)
    network = Geme(classes=3).eval()
    images = torch.rand(2, 3, 112, 112)
    before = network(images)
    with torch.no_grad():
        for value in network.gender.parameters():
            value.add_(torch.rand_like(value))
    assert torch.equal(network(images), before)
    with torch.no_grad():
        network.crossings[0].weight.add_(0.1)
    assert not torch.equal(network(images), before)


def test_at_the_start_nothing_is_displaced() -> None:
    torch.manual_seed(0)
    network = FrlDgt(classes=3).eval()
    pair = torch.rand(2, 2, 128, 128)
    displacement = network.generator(pair)
    assert not displacement.any()
    expected = (pair[:, 1] - pair[:, 0]).abs().mean()
    torch.testing.assert_close(displacement_loss(pair, displacement), expected, rtol=1e-4, atol=0)


def test_an_onset_moved_two_px_to_the_right_is_found_two_px_to_the_right() -> None:
    torch.manual_seed(0)
    onset = torch.rand(1, 1, 128, 128)
    apex = torch.roll(onset, 2, dims=3)
    displacement = torch.zeros(1, 2, 128, 128)
    displacement[:, 0] = 2
    found = warped(apex, displacement)
    torch.testing.assert_close(found[..., :126], onset[..., :126], atol=1e-4, rtol=0)


def test_pairs_are_onset_and_apex_in_use_and_neighbours_in_training() -> None:
    network = FrlDgt(classes=3)
    frames = torch.arange(8.0)[None, :, None, None].expand(40, 8, 4, 4)
    assert network.eval().pair(frames)[0, :, 0, 0].tolist() == [0, 5]
    chosen = network.train().pair(frames)[..., 0, 0]
    assert set(chosen[:, 0].tolist()) == {0, 1, 2}
    assert set(chosen[:, 1].tolist()) == {3, 4, 5, 6, 7}
    clip = toy_clip(0, np.random.default_rng(0), frames=9)
    read = FrlDgt.read(clip)
    assert read.shape == (8, 128, 128)
    # A clip that ends at its apex lends its last frame to those that follow.
    last = FrlDgt.read(replace(clip, apex=8))
    np.testing.assert_array_equal(last[5], last[7])


def test_at_the_start_attention_ignores_flow() -> None:
    torch.manual_seed(0)
    network = Mfdan(classes=3).eval()
    both = torch.rand(2, 6, 112, 112)
    other = both.clone()
    other[:, 3:] = torch.randn(2, 3, 112, 112)
    assert torch.equal(network(both), network(other))
    with torch.no_grad():
        network.blocks[0].to_flow_qk.weight[:192] = 0.1 * torch.randn(192, 192)
    assert not torch.equal(network(both), network(other))


def test_dropped_keys_leave_rows_that_sum_to_one() -> None:
    torch.manual_seed(0)
    block = FlowDrivenBlock(dropped=0.9).train()
    tokens, motion = torch.randn(2, 5, 192), torch.randn(2, 5, 192)
    weights, _ = block.attention(tokens, motion)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 5))
    assert (weights == 0).any()
    assert not missed_keys(torch.Size((3, 4, 6, 6)), 1.0).all(-1).any()
    again = [block.eval()(tokens, motion)[0] for _ in range(2)]
    assert torch.equal(*again)


def test_mirrored_faces_move_to_the_other_side() -> None:
    both = torch.rand(1, 6, 8, 8)
    turned = Mfdan.mirrored(both)
    assert torch.equal(Mfdan.mirrored(turned), both)
    assert torch.equal(turned[:, 3], -both[:, 3].flip(-1))
    assert torch.equal(turned[:, 4], both[:, 4].flip(-1))


def test_flow_is_read_in_px_of_the_small_square() -> None:
    clip = toy_clip(0, np.random.default_rng(0))
    flow = np.stack([np.full((64, 64), 4.0), np.full((64, 64), -2.0)]).astype(np.float32)
    found = Mfdan.read(replace(clip, flow=flow))
    np.testing.assert_allclose(found[3:, 5, 5], [4 * 112 / 64, -2 * 112 / 64, 0], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_each_learns_alike_from_a_seed_and_clip_by_clip(name: str, tmp_path: Path) -> None:
    data = toy_frame_set(tmp_path, 6)
    recogniser = build_recogniser(name, {"epochs": 2, "batch_size": 3})
    fitted, again = (recogniser.fit(data, seed=1) for _ in range(2))
    scores = fitted.predict(data.maps)
    np.testing.assert_array_equal(scores, again.predict(data.maps))
    np.testing.assert_array_equal(scores[2:3], fitted.predict(data.maps[2:3]))
    np.testing.assert_allclose(scores.sum(1), 1)


def test_training_raises_the_probability_of_the_true_class(tmp_path: Path) -> None:
    """GEME's; the two larger networks cost too much for more than the smoke test above."""
    data = toy_frame_set(tmp_path, 6)
    options = {"epochs": 20, "batch_size": 6, "mirror_train": False, "schedule": "constant"}
    found = []

    def observer(epoch: int, fitted: FittedRecogniser) -> None:
        if epoch in (5, 20):
            found.append(fitted.predict(data.maps)[range(6), data.labels].mean())

    build_recogniser("geme-recreation-without-gender", options).fit(data, seed=0, observer=observer)
    # Of three classes; measured .34 and .42.
    assert found[1] > found[0] + 0.04 and found[1] > 0.38


def test_genders_come_from_a_table_alone(tmp_path: Path) -> None:
    table = tmp_path / "genders.csv"
    table.write_text("dataset,subject,gender\ntoy,s00,female\ntoy,s01,male\ntoy,s02,\n")
    assert read_genders(table) == {"toy/s00": "female", "toy/s01": "male"}
    assert gender_targets(["female", None, "male"]).tolist() == [0, -1, 1]
    recogniser = build_recogniser("geme-recreation", {"genders": str(table), "epochs": 1})
    assert isinstance(recogniser, FrameRecogniser) and recogniser.recipe.genders == table
    data = toy_frame_set(tmp_path, 6)
    with_them = recogniser.fit(data, seed=0)
    without = build_recogniser("geme-recreation-without-gender", {"epochs": 1}).fit(data, seed=0)
    assert not np.array_equal(with_them.predict(data.maps), without.predict(data.maps))
    with pytest.raises(ConfigError, match="geme-recreation-without-gender"):
        build_recogniser("geme-recreation")
    with pytest.raises(ConfigError, match="takes no genders"):
        build_recogniser("mfdan-recreation", {"genders": str(table)})
    for text, words in (
        ("dataset,subject\na,b\n", "gender"),
        ("dataset,subject,gender\na,b,f\n", "line 2"),
        ("dataset,subject,gender\na,b,male\na,b,male\n", "twice"),
    ):
        table.write_text(text)
        with pytest.raises(DataError, match=words):
            read_genders(table)


def test_the_loss_of_geme_adds_half_of_the_genders(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Geme(classes=3).eval()
    images, labels = torch.rand(4, 3, 112, 112), torch.tensor([0, 1, 2, 0])
    genders, weights = torch.tensor([0, 1, -1, 1]), torch.ones(3)
    unknown = torch.full((4,), -1)
    whole, alone = (geme_loss(network, images, labels, g, weights) for g in (genders, unknown))
    torch.testing.assert_close(whole - alone, 0.5 * gender_loss(network.both(images)[1], genders))


def test_a_test_subjects_frames_and_gender_change_nothing_learnt(tmp_path: Path) -> None:
    data = toy_frame_set(tmp_path / "frames", 9, subjects=3)
    train = data.select([i for i, s in enumerate(data.subjects) if s != "toy/s02"])
    table = tmp_path / "genders.csv"
    found = []
    for word in ("female", "male"):
        table.write_text(f"dataset,subject,gender\ntoy,s00,female\ntoy,s02,{word}\n")
        recogniser = build_recogniser("geme-recreation", {"genders": str(table), "epochs": 1})
        found.append(recogniser.fit(train, seed=0).predict(train.maps))
        for name, subject in zip(data.maps, data.subjects, strict=True):
            if subject == "toy/s02":
                Path(str(name)).write_bytes(b"scrambled")
    np.testing.assert_array_equal(*found)


def test_no_row_bears_a_bare_name() -> None:
    for name, model in MODELS.items():
        if name.startswith(("geme", "frl", "mfdan")):
            assert "recreation" in name and "re-creation" in model.description
