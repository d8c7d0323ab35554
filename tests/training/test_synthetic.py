"""Training on synthetic maps: stoppable, repeatable, and it learns."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hmrm import config
from hmrm.errors import ConfigError, WeightsError
from hmrm.model.checkpoints import load_checkpoint
from hmrm.model.sizes import HMRMConfig
from hmrm.synthetic.flow_maps import SynthConfig
from hmrm.training import synthetic
from hmrm.training.synthetic import SyntheticTrainingConfig, synthesize_pool, train_synthetic

SMALL = SyntheticTrainingConfig(
    maps=120,
    held_out_maps=40,
    steps=9,
    batch=8,
    checkpoint_steps=2,
    warm_up_steps=2,
    noise=0.1,
    network=HMRMConfig(dim=8, depth=1, state=2, heads=2, fine_grid=2, fine_kernel=2, dropout=0.1),
    data=SynthConfig(faces=2, with_none=True),
)


class StoppedError(Exception):
    """Stands for a kill at some moment."""


def stop_at(stage: str, done: int):  # type: ignore[no-untyped-def]
    def progress(now: str, count: int, total: int | None) -> None:
        if (now, count) == (stage, done):
            raise StoppedError

    return progress


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_synthetic(SMALL, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize(
    ("stage", "done"), [("drawing train maps", 1), ("training", 1), ("training", 7)]
)
def test_a_stopped_training_ends_with_the_same_bytes(
    stage: str, done: int, whole: Path, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        train_synthetic(SMALL, tmp_path, progress=stop_at(stage, done))
    assert train_synthetic(SMALL, tmp_path).read_bytes() == whole.read_bytes()


def test_a_network_for_larger_maps_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"map_size = 56: synthetic maps have 28 x 28"):
        replace(SMALL, network=replace(SMALL.network, map_size=56))


def test_another_seed_gives_other_weights(whole: Path, tmp_path: Path) -> None:
    other = train_synthetic(replace(SMALL, seed=1), tmp_path)
    assert other.read_bytes() != whole.read_bytes()


def test_the_card_names_no_real_clip(whole: Path) -> None:
    _, card = load_checkpoint(whole)
    assert card.trained_subjects == () and card.trained_clips == ()
    assert card.classes == ("negative", "positive", "surprise", "none")
    assert card.provenance.config_hash == config.digest(SMALL)
    json.loads(whole.with_suffix(".json").read_text())


def test_a_folder_of_other_settings_is_refused(whole: Path) -> None:
    with pytest.raises(ConfigError, match="other settings"):
        train_synthetic(replace(SMALL, steps=10), whole.parent)


def test_a_damaged_state_is_refused(whole: Path, tmp_path: Path) -> None:
    (tmp_path / synthetic.STATE).write_bytes(b"x" * 100)
    with pytest.raises(WeightsError, match="not a state"):
        train_synthetic(SMALL, tmp_path)


def test_pools_share_no_map_and_do_not_depend_on_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = synthesize_pool(SMALL, tmp_path, held_out=False, workers=1)
    held_out = synthesize_pool(SMALL, tmp_path, held_out=True, workers=1)
    assert not {m.tobytes() for m in train.maps} & {m.tobytes() for m in held_out.maps}
    monkeypatch.setattr(synthetic, "SHARD_MAPS", 50)
    again = synthesize_pool(SMALL, tmp_path / "again", held_out=False, workers=1)
    np.testing.assert_array_equal(again.maps, train.maps)
    np.testing.assert_array_equal(again.labels, train.labels)


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"batch": 0}, {"average_decay": 1.0}], ids=lambda c: next(iter(c))
)
def test_impossible_settings(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        replace(SMALL, **changes)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_minute_of_training_beats_chance_by_far(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    settings = replace(
        SMALL,
        maps=4000,
        held_out_maps=400,
        steps=500,
        batch=32,
        checkpoint_steps=500,
        learning_rate=3e-3,
        average_decay=0.98,
        network=HMRMConfig(dim=32, depth=1, state=4, fine_grid=2, fine_kernel=2),
        data=SynthConfig(faces=8, with_none=True, low_px=1.0),
    )
    path = train_synthetic(settings, tmp_path)
    _, card = load_checkpoint(path)
    # Four equally frequent classes: chance is 0.25.
    assert card.metrics["held-out synthetic maps"]["accuracy"] > 0.5
