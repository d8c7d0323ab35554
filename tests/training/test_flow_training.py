"""Training of the flow network: stoppable, repeatable, and it learns; shipped settings load."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
import torch
from typer.testing import CliRunner

from hmrm import config
from hmrm.cli.train import app as train_command
from hmrm.errors import ConfigError, NumericalError, WeightsError
from hmrm.flow.gru_aofe.estimator import GruAofeFlow
from hmrm.flow.gru_aofe.network import FlowEstimate, GruAofe, GruAofeConfig
from hmrm.flow.gru_aofe.weights import load_flow_weights, save_flow_weights
from hmrm.flow.raft.network import Raft, RaftConfig
from hmrm.flow.raft.weights import load_raft_weights
from hmrm.synthetic.flow_pairs import PairsConfig
from hmrm.training.flow import loop as flow_training
from hmrm.training.flow.batches import Batch
from hmrm.training.flow.loop import FlowTrainingConfig, sequence_loss, train_flow, validate

ROOT = Path(__file__).parents[2]

SMALL = FlowTrainingConfig(
    steps=5,
    batch=2,
    crop_px=(32, 40),
    checkpoint_steps=2,
    validation_steps=2,
    network=GruAofeConfig(
        encoder_width=4,
        features=8,
        state=8,
        context=4,
        motion=8,
        head_width=4,
        correlation_radius=1,
        iterations=3,
        attention_size=4,
    ),
    pairs=PairsConfig(pairs=3, held_out_pairs=2, side_px=48),
)


class StoppedError(Exception):
    """Stands for a kill at some moment."""


def stop_at(step: int):  # type: ignore[no-untyped-def]
    def progress(now: str, count: int, total: int | None) -> None:
        if (now, count) == ("training", step):
            raise StoppedError

    return progress


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_flow(SMALL, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("step", [1, 3])
def test_a_stopped_training_ends_with_the_same_bytes(step: int, whole: Path, tmp_path: Path):
    with pytest.raises(StoppedError):
        train_flow(SMALL, tmp_path, progress=stop_at(step))
    assert train_flow(SMALL, tmp_path).read_bytes() == whole.read_bytes()
    rows = [
        json.loads((folder / "validation.json").read_text()) for folder in (tmp_path, whole.parent)
    ]
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[0]] == [2, 4, 5]


def test_raft_is_trained_by_the_same_command_and_resumes(tmp_path: Path):
    settings = replace(SMALL, steps=3, raft=RaftConfig(size="small", iterations=2))
    with pytest.raises(StoppedError):
        train_flow(settings, tmp_path / "stopped", progress=stop_at(2))
    path = train_flow(settings, tmp_path / "stopped")
    assert train_flow(settings, tmp_path / "whole").read_bytes() == path.read_bytes()
    network, card = load_raft_weights(path)
    assert card.steps == 3 and card.config == settings.raft and card.checkpoint_sha256 is None
    start = Raft(settings.raft, generator=torch.Generator().manual_seed(settings.seed))
    changed = [
        name
        for name, value in network.state_dict().items()
        if not torch.equal(value, start.state_dict()[name])
    ]
    assert len(changed) == 106
    other = replace(settings, start_from=path, raft=RaftConfig(size="large"))
    with pytest.raises(ConfigError, match="another size"):
        train_flow(other, tmp_path / "other")


def test_the_weights_so_far_can_be_used(tmp_path: Path):
    with pytest.raises(StoppedError):
        train_flow(SMALL, tmp_path, progress=stop_at(3))
    assert load_flow_weights(tmp_path / "weights.safetensors")[1].steps == 2


def test_the_command_trains(tmp_path: Path):
    settings = tmp_path / "tiny.toml"
    text = tomli_w.dumps(config.to_mapping(replace(SMALL, steps=1)))
    settings.write_text(text, encoding="utf-8")
    folder = tmp_path / "run"
    command = ["flow", "--config", str(settings), "-o", str(folder), "--workers", "1"]
    done = CliRunner().invoke(train_command, [*command, "--no-progress"])
    assert done.exit_code == 0, done.output
    assert load_flow_weights(folder / "weights.safetensors")[1].steps == 1


def test_another_seed_gives_other_weights(whole: Path, tmp_path: Path):
    other = train_flow(replace(SMALL, seed=1), tmp_path)
    assert other.read_bytes() != whole.read_bytes()


def test_the_card_says_where_the_weights_come_from(whole: Path):
    network, card = load_flow_weights(whole)
    assert card.config == SMALL.network == network.config
    assert card.steps == 5 and "no photograph" in card.trained_on
    assert card.provenance.config_hash == config.digest(SMALL)
    assert card.metrics["held-out pairs, synthetic"].zero_epe_px > 0


def test_a_folder_of_other_settings_is_refused(whole: Path):
    with pytest.raises(ConfigError, match="other settings"):
        train_flow(replace(SMALL, steps=6), whole.parent)


def test_training_goes_on_from_weights(whole: Path, tmp_path: Path):
    path = train_flow(replace(SMALL, steps=1, start_from=whole, learning_rate=1e-9), tmp_path)
    before, after = (load_flow_weights(p)[0].state_dict() for p in (whole, path))
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0)
    larger = replace(SMALL, network=replace(SMALL.network, state=12), start_from=whole)
    with pytest.raises(ConfigError, match="other sizes"):
        train_flow(larger, tmp_path / "larger")


def test_a_diverged_training_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flow_training, "sequence_loss", lambda found, *_: found[0].flow.sum() / 0)
    with pytest.raises(NumericalError, match="loss"):
        train_flow(SMALL, tmp_path)


def estimates(*errors: float) -> list[FlowEstimate]:
    """Flows that are wrong everywhere by so many px to the right, sure of nothing."""
    flow = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    return [FlowEstimate(e * flow, torch.zeros(1, 1, 4, 4)) for e in errors]


def test_the_loss_weighs_refinements_and_motion():
    settings = replace(SMALL, error_weight=0.0, fading=0.5, floor_px=1.0)
    still = torch.zeros(1, 2, 4, 4)
    found = sequence_loss(estimates(2.0, 4.0), still, settings)
    # the mean error of a still pair counts in full
    assert float(found) == pytest.approx(0.5 * 2 + 4, rel=1e-5)
    moving = torch.tensor([3.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    found = sequence_loss(estimates(4.0), moving, settings)
    assert float(found) == pytest.approx(1 / (1 + 3 / 1.0), rel=1e-5)


def test_fast_pixels_count_more_where_asked():
    """One of 16 pixels moves, by 3 px; a weight of 4 makes it count five times."""
    truth = torch.zeros(1, 2, 4, 4)
    truth[0, 0, 1, 2] = 3.0
    settings = replace(SMALL, error_weight=0.0, floor_px=float("inf"))
    found = [
        float(sequence_loss(estimates(0.0), truth, replace(settings, fast_weight=weight)))
        for weight in (0.0, 4.0)
    ]
    # the root keeps .001 px where there is no error
    assert found == pytest.approx([3 / 16, 3 * 5 / 20], abs=2e-3)


def test_unknown_pixels_do_not_count():
    truth = torch.zeros(1, 2, 4, 4)
    truth[0, 0, :2] = float("nan")
    settings = replace(SMALL, floor_px=float("inf"))
    whole = sequence_loss(estimates(1.0), torch.zeros(1, 2, 4, 4), settings)
    assert float(sequence_loss(estimates(1.0), truth, settings)) == pytest.approx(float(whole))


def test_the_expected_error_is_learned_from_the_error_alone():
    flow = torch.full((1, 2, 4, 4), 0.3, requires_grad=True)
    log_error = torch.zeros(1, 1, 4, 4, requires_grad=True)
    settings = replace(SMALL, error_weight=1.0)
    sequence_loss([FlowEstimate(flow, log_error)], torch.zeros(1, 2, 4, 4), settings).backward()
    assert log_error.grad is not None and flow.grad is not None
    # a smaller error than expected: the expectation must fall; and it tells the flow nothing
    assert (log_error.grad > 0).all()
    alone = torch.full((1, 2, 4, 4), 0.3, requires_grad=True)
    other = FlowEstimate(alone, torch.full((1, 1, 4, 4), 2.0))
    sequence_loss([other], torch.zeros(1, 2, 4, 4), settings).backward()
    assert alone.grad is not None and torch.equal(alone.grad, flow.grad)


def test_validation_of_an_untrained_network_is_that_of_zero_flow():
    network = GruAofe(SMALL.network, generator=torch.Generator().manual_seed(0)).eval()
    images = torch.randn(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    truth = torch.full((1, 2, 64, 64), 0.5)
    found = validate(network, [Batch(onset=images[0], apex=images[1], flow=truth)])
    assert found.epe_px == found.zero_epe_px == pytest.approx(0.5**0.5, abs=1e-4)
    assert found.by_motion == {"0.3": (found.epe_px, found.epe_px)}


def test_damaged_and_foreign_weights_are_refused(whole: Path, tmp_path: Path):
    card = whole.with_suffix(".json").read_text()
    for content, text in [
        (whole.read_bytes()[:-4], card),
        (whole.read_bytes(), card.replace('"state": 8', '"state": 9')),
        (whole.read_bytes(), card.replace("gru-aofe", "raft")),
        (whole.read_bytes(), "{"),
    ]:
        (tmp_path / "w.safetensors").write_bytes(content)
        (tmp_path / "w.json").write_text(text)
        with pytest.raises(WeightsError):
            load_flow_weights(tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_flow_weights(tmp_path / "absent.safetensors")


def test_nan_is_not_written(whole: Path, tmp_path: Path):
    network, card = load_flow_weights(whole)
    network.head.last.bias.data[0] = float("nan")
    with pytest.raises(WeightsError, match="NaN"):
        save_flow_weights(tmp_path / "w.safetensors", network, card)


def test_the_estimator_answers_in_px_with_its_expected_error(whole: Path):
    rng = torch.Generator().manual_seed(0)
    pair = [torch.randint(0, 255, (50, 70), generator=rng).byte().numpy() for _ in range(2)]
    estimator = GruAofeFlow(weights=whole, iterations=2)
    flow, error = estimator.with_expected_error(*pair)
    assert flow.shape == (2, 50, 70) and error.shape == (50, 70)
    assert (error > 0).all()
    assert (estimator(*pair) == flow).all()


@pytest.mark.parametrize(
    "name",
    [
        "gru-aofe",
        "gru-aofe-short",
        "gru-aofe-longer",
        "gru-aofe-layers",
        "gru-aofe-last",
        "gru-aofe-chairs",
        "gru-aofe-things",
    ],
)
def test_shipped_settings_load(name: str):
    settings = config.load(FlowTrainingConfig, ROOT / f"configs/{name}.toml")
    network = GruAofe(settings.network, generator=torch.Generator().manual_seed(0))
    assert sum(p.numel() for p in network.parameters()) <= 1_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"average_decay": 1.0},
        {"crop_px": (96, 96)},
        {"data": "flying_chairs"},
        {"data_path": Path("x")},
        {"learning_rate": 0.0},
        {"fast_weight": -1.0},
        {"shrunk": 1.5},
    ],
    ids=lambda c: next(iter(c)),
)
def test_impossible_settings(changes: dict[str, object]):
    with pytest.raises(ConfigError):
        replace(SMALL, **changes)  # type: ignore[arg-type]
