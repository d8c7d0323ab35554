"""FlyingChairs and FlyingThings3D, on small copies in the real layout."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.errors import DataError
from hmrm.flow.files.flying_chairs import flying_chairs
from hmrm.flow.files.flying_things import flying_things
from hmrm.flow.files.formats import write_flow
from hmrm.flow.files.samples import FlowSample, read_sample
from hmrm.flow.gru_aofe.network import GruAofeConfig
from hmrm.synthetic.sensor import SensorConfig
from hmrm.training.flow.batches import FolderTrainingData
from hmrm.training.flow.loop import FlowTrainingConfig, train_flow

PERFECT = SensorConfig(noise=0.0, light=0.0, compressed=0.0, blurred=0.0)


def image(path: Path, *, seed: int, size_hw: tuple[int, int] = (36, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(seed).integers(0, 255, (*size_hw, 3), np.uint8)
    assert cv2.imwrite(str(path), levels)


def true_flow(path: Path, *, seed: int, size_hw: tuple[int, int] = (36, 48)) -> np.ndarray:
    flow = np.random.default_rng(seed).normal(0, 3, (2, *size_hw)).astype(np.float32)
    write_flow(path, flow)
    return flow


@pytest.fixture
def chairs(tmp_path: Path) -> Path:
    folder = tmp_path / "FlyingChairs_release"
    for number in range(1, 6):
        image(folder / f"data/{number:05d}_img1.ppm", seed=number)
        image(folder / f"data/{number:05d}_img2.ppm", seed=number + 100)
        true_flow(folder / f"data/{number:05d}_flow.flo", seed=number)
    (folder / "FlyingChairs_train_val.txt").write_text("1\n1\n2\n1\n2\n")
    return folder


@pytest.fixture
def things(tmp_path: Path) -> Path:
    for split, letters in (("TRAIN", "AC"), ("TEST", "B")):
        for letter in letters:
            for frame in (6, 7, 8):
                name = f"{split}/{letter}/0000/left/{frame:04d}.png"
                image(tmp_path / "frames_cleanpass" / name, seed=frame)
                for direction, word in (("into_future", "IntoFuture"), ("into_past", "IntoPast")):
                    flow = f"{split}/{letter}/0000/{direction}/left/OpticalFlow{word}_{frame:04d}_L"
                    true_flow(tmp_path / "optical_flow" / f"{flow}.pfm", seed=frame)
    return tmp_path


def test_chairs_follow_the_split_file(chairs: Path):
    names = [sample.onset.name for sample in flying_chairs(chairs)]
    assert names == ["00001_img1.ppm", "00002_img1.ppm", "00004_img1.ppm"]
    held_out = flying_chairs(chairs, split="validation")
    assert [sample.flow.name for sample in held_out] == ["00003_flow.flo", "00005_flow.flo"]
    assert held_out[0].apex.name == "00003_img2.ppm"


def test_a_sample_is_read_in_grey_with_its_flow(chairs: Path):
    sample = flying_chairs(chairs)[1]
    frames, flow = read_sample(sample)
    colour = cv2.imread(str(sample.apex)).astype(float)
    np.testing.assert_allclose(frames[1], colour @ [0.114, 0.587, 0.299], atol=0.51)
    expected = np.random.default_rng(2).normal(0, 3, (2, 36, 48)).astype(np.float32)
    np.testing.assert_array_equal(flow, expected)


def test_unknown_and_absurd_flow_is_marked(chairs: Path):
    sample = flying_chairs(chairs)[0]
    flow = np.ones((2, 36, 48), np.float32)
    flow[0, 3, 4], flow[1, 5, 6] = np.nan, 900.0
    write_flow(sample.flow, flow)
    found = read_sample(sample)[1]
    assert np.isnan(found[:, 3, 4]).all() and np.isnan(found[:, 5, 6]).all()
    assert np.isfinite(found).all(axis=0).sum() == 36 * 48 - 2


def test_things_go_both_ways_in_time(things: Path):
    found = flying_things(things)
    assert len(found) == 2 * 2 * 2
    assert {s.flow.parts[-5] for s in found} == {"A", "C"}
    steps = {s.flow.parent.parent.name: int(s.apex.stem) - int(s.onset.stem) for s in found}
    assert steps == {"into_future": 1, "into_past": -1}
    assert all(s.apex.is_file() for s in found)
    assert {s.flow.parts[-5] for s in flying_things(things, split="validation")} == {"B"}


def test_things_are_read(things: Path):
    frames, flow = read_sample(flying_things(things)[0])
    assert frames.shape == (2, 36, 48)
    np.testing.assert_array_equal(flow[:, 0, 0], true_flow(things / "x.pfm", seed=6)[:, 0, 0])


def test_crops_are_of_one_size_and_keep_flow_with_its_picture(chairs: Path):
    sample = flying_chairs(chairs)[0]
    y, x = np.mgrid[:36, :48]
    ramp = np.repeat((3 * x + 2 * y)[..., None], 3, axis=2).astype(np.uint8)
    for path in (sample.onset, sample.apex):
        cv2.imwrite(str(path), ramp)
    write_flow(sample.flow, np.broadcast_to([[[3.0]], [[2.0]]], (2, 36, 48)).astype(np.float32))
    training_data = FolderTrainingData(samples=[sample], height_px=20, width_px=30, sensor=PERFECT)
    for seed in range(10):
        frames, flow = training_data.crop(np.random.default_rng(seed))
        assert frames.shape == flow.shape == (2, 20, 30)
        slope_y, slope_x = np.gradient(frames[0].astype(float))
        np.testing.assert_array_equal(slope_x, flow[0])
        np.testing.assert_array_equal(slope_y, flow[1])


def test_training_on_chairs_runs(chairs: Path, tmp_path: Path):
    network = GruAofeConfig(
        encoder_width=4,
        features=8,
        state=8,
        context=4,
        motion=8,
        head_width=4,
        correlation_radius=1,
        iterations=2,
        attention_size=4,
    )
    settings = FlowTrainingConfig(
        data="flying_chairs",
        data_path=chairs,
        steps=2,
        batch=2,
        crop_px=(24, 32),
        floor_px=float("inf"),
        network=network,
        sensor=PERFECT,
    )
    path = train_flow(settings, tmp_path / "run")
    assert "3 pairs of flying_chairs" in path.with_suffix(".json").read_text()
    with pytest.raises(DataError, match="crop_px"):
        train_flow(replace(settings, crop_px=(64, 64)), tmp_path / "large")


def test_chairs_that_are_not_whole(chairs: Path, tmp_path: Path):
    with pytest.raises(DataError, match="holds no"):
        flying_chairs(tmp_path / "nothing")
    split = chairs / "FlyingChairs_train_val.txt"
    split.write_text("1\n2\n")
    with pytest.raises(DataError, match="5 flows"):
        flying_chairs(chairs)
    split.write_text("1\n1\n2\n1\n3\n")
    with pytest.raises(DataError, match="expected 1 or 2"):
        flying_chairs(chairs)
    split.write_text("1\n1\n2\n1\n2\n")
    (chairs / "data/00002_img2.ppm").unlink()
    with pytest.raises(DataError, match=r"00002_img2\.ppm"):
        flying_chairs(chairs)
    split.unlink()
    with pytest.raises(DataError, match="split file"):
        flying_chairs(chairs)


def test_things_that_are_not_whole(things: Path):
    with pytest.raises(DataError, match="frames_finalpass"):
        flying_things(things, render="final")
    (things / "frames_cleanpass/TRAIN/A/0000/left/0007.png").unlink()
    with pytest.raises(DataError, match=r"0007\.png"):
        flying_things(things)


def test_pictures_and_flow_of_different_size(tmp_path: Path):
    sample = FlowSample(onset=tmp_path / "a.png", apex=tmp_path / "b.png", flow=tmp_path / "f.flo")
    image(sample.onset, seed=0)
    image(sample.apex, seed=1)
    true_flow(sample.flow, seed=0, size_hw=(36, 40))
    with pytest.raises(DataError, match="40 x 36"):
        read_sample(sample)
