"""GRU-AOFE trained on synthetic pairs, or on FlyingChairs and FlyingThings3D (the paper's sets).

RAFT is trained in the same way, for comparison: the same pairs, loss, average and schedule, so
what differs is the network. Departs from its authors, who take the plain L1 error.

Resumable to the same bytes: crops, noise and schedule are keyed by seed and step.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from hmrm import atomic, config, provenance, reading, records, run_folder
from hmrm.errors import ConfigError, DataError, NumericalError
from hmrm.flow.files.flying_chairs import flying_chairs
from hmrm.flow.files.flying_things import flying_things
from hmrm.flow.files.samples import read_sample
from hmrm.flow.gru_aofe.network import FlowEstimate, GruAofe, GruAofeConfig
from hmrm.flow.gru_aofe.weights import FlowCard, FlowErrors, load_flow_weights, save_flow_weights
from hmrm.flow.raft.network import Raft, RaftConfig
from hmrm.flow.raft.weights import RaftCard, load_raft_weights, save_raft_weights
from hmrm.progress import Progress, silent
from hmrm.records import formerly, values_formerly
from hmrm.synthetic.flow_pairs import LEVEL_STEPS, Pairs, PairsConfig, synthesize_pool
from hmrm.synthetic.sensor import SensorConfig, seen
from hmrm.training.flow.batches import (
    Batch,
    FolderTrainingData,
    SyntheticTrainingData,
    TrainingData,
    collated,
    synthesize_batch,
)
from hmrm.training.flow.errors_by_motion import FlowNetwork, validate
from hmrm.training.optimisation import (
    ParameterGroup,
    Schedule,
    build_optimiser,
    take_step,
    update_average,
)
from hmrm.training.state import load_state, save_state

STATE = "state.safetensors"
VALIDATION = "validation.json"
WEIGHTS = "weights.safetensors"

_TRAINING, _HELD_OUT = 0, 1


@dataclass(frozen=True, kw_only=True)
class FlowTrainingConfig:
    """Everything that decides the weights.

    Attributes:
        data: ``synthetic`` pairs, or a folder ``data_path`` of FlyingChairs or FlyingThings3D.
        held_out_samples: pairs of the folder's validation split that progress is measured on.
        steps: optimiser steps; with ``batch`` crops of ``crop_px`` (height, width) each.
        warm_up: fraction of the steps in which the learning rate rises; then it falls to zero.
        first_iterations: refinements in the first ``first_fraction`` of the steps, which are
            cheaper; then the network's own number.
        fading: weight of a refinement relative to the one after it (RAFT's gamma, 0.8).
        floor_px: pairs count less as their mean motion exceeds this; infinite: all the same.
        fast_weight: how much more a pair's fastest pixels count than those at rest; between them it
            grows with the square of the true motion.
        shrunk: fraction of the synthetic crops reduced first, by up to the pair's side over the
            crop's: fine texture and fine motion, as small faces have.
        error_weight: weight of the loss of the predicted error.
        average_decay: of the exponential moving average that becomes the weights.
        checkpoint_steps, validation_steps: steps between two saved states, two validations.
        start_from: weights that the training starts with, of the same sizes.
        mixed_precision: half precision where it is safe; on CUDA only.
        raft: train RAFT of this size instead of ``network``.
    """

    seed: int = 0
    data: Literal["synthetic", "flying_chairs", "flying_things"] = field(
        default="synthetic", metadata=values_formerly({"drawn": "synthetic"})
    )
    data_path: Path | None = None
    held_out_samples: int = 100
    steps: int = 6000
    batch: int = 4
    crop_px: tuple[int, int] = (96, 96)
    learning_rate: float = 8e-4
    weight_decay: float = 1e-4
    warm_up: float = 0.05
    first_iterations: int = 2
    first_fraction: float = field(default=0.3, metadata=formerly("first_share"))
    fading: float = 0.8
    floor_px: float = 0.1
    fast_weight: float = 0.0
    shrunk: float = 0.0
    error_weight: float = 0.003
    average_decay: float = 0.998
    checkpoint_steps: int = 200
    validation_steps: int = 600
    start_from: Path | None = None
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    mixed_precision: bool = True
    network: GruAofeConfig = field(default_factory=GruAofeConfig)
    pairs: PairsConfig = field(default_factory=PairsConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    raft: RaftConfig | None = None

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch",
            "held_out_samples",
            "checkpoint_steps",
            "validation_steps",
            "first_iterations",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} = {getattr(self, name)}: must be at least 1")
        for name in ("warm_up", "first_fraction", "fading", "shrunk"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} = {getattr(self, name)}: must be in 0 … 1")
        if not 0 <= self.average_decay < 1:
            raise ConfigError(f"average_decay = {self.average_decay}: must be in 0 … 1")
        if not (self.learning_rate > 0 and self.floor_px > 0 and self.fast_weight >= 0):
            raise ConfigError("learning_rate and floor_px must be above 0, fast_weight at least 0")
        if (self.data == "synthetic") != (self.data_path is None):
            raise ConfigError(f'data = "{self.data}": data_path is for data sets, and they need it')
        most = self.pairs.side_px if self.data == "synthetic" else 1 << 14
        if not 16 <= min(self.crop_px) <= max(self.crop_px) <= most:
            raise ConfigError(f"crop_px = {list(self.crop_px)}: sides must be 16 … {most}")

    @property
    def schedule(self) -> Schedule:
        """Learning rate by step."""
        rising = max(self.warm_up * self.steps, 1.0)
        return Schedule(
            highest=self.learning_rate,
            steps=self.steps,
            warm_up=rising,
            rise=rising + 1,
            fall="linear",
        )


def train_flow(
    settings: FlowTrainingConfig,
    folder: Path,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> Path:
    """Synthesize pairs, train, and write ``weights.safetensors`` with its card; return its path.

    At each validation the weights so far are written, and the figures to ``validation.json``.

    Args:
        folder: pairs, states and weights; a folder of the same settings is resumed.
        workers: processes that synthesize pairs; the result does not depend on it.

    Raises:
        ConfigError: the folder belongs to other settings.
        NumericalError: the training diverged.
        OutputError: the folder cannot be written.
    """
    with run_folder.claimed(folder, "config.toml", config.to_mapping(settings)):
        _train_claimed(settings, folder, workers, progress)
    return folder / WEIGHTS


def _train_claimed(
    settings: FlowTrainingConfig, folder: Path, workers: int, progress: Progress
) -> None:
    training_data, held_out, seen_in_training = _training_data(settings, folder, workers, progress)

    def keep(network: FlowNetwork, step: int) -> None:
        errors = validate(network, held_out)
        _report(folder, step, errors)
        metrics = {f"held-out pairs, {settings.data}": errors}
        stamp = provenance.make_stamp(config_hash=config.digest(settings), seeds=(settings.seed,))
        if isinstance(network, Raft):
            raft = RaftCard(
                config=network.config,
                trained_on=seen_in_training,
                steps=step,
                metrics=metrics,
                provenance=stamp,
            )
            save_raft_weights(folder / WEIGHTS, network, raft)
        else:
            card = FlowCard(
                config=settings.network,
                trained_on=seen_in_training,
                steps=step,
                metrics=metrics,
                provenance=stamp,
            )
            save_flow_weights(folder / WEIGHTS, network, card)

    _train(settings, training_data, folder, keep, progress)


def sequence_loss(
    found: list[FlowEstimate], flow: Float[Tensor, "b 2 h w"], settings: FlowTrainingConfig
) -> Float[Tensor, ""]:
    """End-point errors of all refinements, later ones weighing more, and the error's own loss.

    A pair counts relative to its motion, as a whole: weighted down pixel by pixel by their true
    motion, estimates would be pulled towards no motion. ``fast_weight`` pulls the other way.
    Unknown pixels (NaN) do not count.
    """
    known = flow.isfinite().all(dim=1)
    truth = flow.nan_to_num()
    count = known.sum(dim=(1, 2)).clamp(min=1)
    length = truth.norm(dim=1)
    motion = (length * known).sum(dim=(1, 2)) / count
    fastest = length.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    fraction = known * (1 + settings.fast_weight * (length / fastest).square())
    fraction = fraction / fraction.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    total = flow.new_zeros(())
    for index, estimate in enumerate(found):
        # The root's slope at no error is infinite without the small term.
        error = ((estimate.flow - truth).square().sum(dim=1) + 1e-6).sqrt()
        mean = (error * fraction).sum(dim=(1, 2))
        expected = estimate.log_error[:, 0].clamp(min=-7, max=5)
        surprise = (error.detach() * torch.exp(-expected) + expected) * known
        own = surprise.sum(dim=(1, 2)) / count
        weight = settings.fading ** (len(found) - 1 - index)
        total = total + weight * (mean / (1 + motion / settings.floor_px)).mean()
        total = total + weight * settings.error_weight * own.mean()
    return total


def _training_data(
    settings: FlowTrainingConfig, folder: Path, workers: int, progress: Progress
) -> tuple[TrainingData, list[Batch], str]:
    """What is trained on, what is held out, and a sentence about it."""
    height, width = settings.crop_px
    if settings.data_path is not None:
        chosen = flying_chairs if settings.data == "flying_chairs" else flying_things
        samples = chosen(settings.data_path, split="training")
        others = chosen(settings.data_path, split="validation")[: settings.held_out_samples]
        real = FolderTrainingData(
            samples=samples, height_px=height, width_px=width, sensor=settings.sensor
        )
        stated = f"{len(samples)} pairs of {settings.data}; made by computer, no face among them"
        return real, [collated([read_sample(sample)]) for sample in others], stated
    pools = [
        synthesize_pool(
            settings.pairs,
            folder / "pairs",
            seed=settings.seed,
            held_out=held_out,
            workers=workers,
            progress=progress,
        )
        for held_out in (False, True)
    ]
    synthetic = SyntheticTrainingData(
        pairs=pools[0],
        height_px=height,
        width_px=width,
        sensor=settings.sensor,
        shrunk=settings.shrunk,
    )
    stated = f"{settings.pairs.pairs} synthetic image pairs with known flow; no photograph"
    return synthetic, held_out_batches(pools[1], settings), stated


def held_out_batches(pairs: Pairs, settings: FlowTrainingConfig) -> list[Batch]:
    """The held-out pairs, whole, each with errors of the sensor that never change."""
    batches = []
    for index, flow in enumerate(pairs.flow):
        rng = np.random.default_rng([settings.seed, _HELD_OUT, index])
        frames = pairs.frames[index].astype(np.float32) / LEVEL_STEPS
        batches.append(collated([(seen(frames, settings.sensor, rng=rng), flow)]))
    return batches


def _train(
    settings: FlowTrainingConfig,
    training_data: TrainingData,
    folder: Path,
    keep: Callable[[FlowNetwork, int], None],
    progress: Progress,
) -> None:
    device = _device(settings)
    network = _start(settings).to(device)
    average = copy.deepcopy(network)
    modules: dict[str, nn.Module] = {"network": network, "average": average}
    optimizer = build_optimiser(
        ParameterGroup(parameters=network.parameters()), weight_decay=settings.weight_decay
    )
    schedule = settings.schedule
    state = folder / STATE
    done = load_state(state, modules=modules, optimizer=optimizer) if state.exists() else 0
    for step in range(done, settings.steps):
        loss = _step(network, optimizer, settings, training_data, step, rate=schedule.rate(step))
        if not np.isfinite(loss):
            raise NumericalError(f"{folder}: the loss is {loss} at step {step}; lower the rate")
        update_average(average, network, decay=settings.average_decay, step=step)
        if (step + 1) % settings.checkpoint_steps == 0 or step + 1 == settings.steps:
            save_state(state, step=step + 1, modules=modules, optimizer=optimizer)
        if (step + 1) % settings.validation_steps == 0 and step + 1 < settings.steps:
            keep(average, step + 1)
        progress("training", step + 1, settings.steps)
    keep(average, settings.steps)


def _step(
    network: FlowNetwork,
    optimizer: torch.optim.Optimizer,
    settings: FlowTrainingConfig,
    training_data: TrainingData,
    step: int,
    *,
    rate: float,
) -> float:
    device = next(network.parameters()).device
    batch = synthesize_batch(
        training_data, batch=settings.batch, seed=(settings.seed, _TRAINING, step)
    )
    early = step < settings.first_fraction * settings.steps
    iterations = min(settings.first_iterations if early else 99, network.config.iterations)
    halved = settings.mixed_precision and device.type == "cuda"
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=halved):
        found = network(
            batch.onset.to(device), batch.apex.to(device), iterations=iterations, every=True
        )
    loss = sequence_loss(found, batch.flow.to(device), settings)
    take_step(optimizer, loss, rate=rate, clipped=network)
    return float(loss.detach())


def _start(settings: FlowTrainingConfig) -> FlowNetwork:
    generator = torch.Generator().manual_seed(settings.seed)
    if settings.raft is not None:
        raft = Raft(settings.raft, generator=generator)
        if settings.start_from is not None:
            found = load_raft_weights(settings.start_from)[0]
            if found.config.size != settings.raft.size:
                raise ConfigError(f"{settings.start_from}: has another size than [raft]")
            raft.load_state_dict(found.state_dict())
        return raft.train()
    network = GruAofe(settings.network, generator=generator)
    if settings.start_from is not None:
        earlier, card = load_flow_weights(settings.start_from)
        if card.config != settings.network:
            raise ConfigError(f"{settings.start_from}: has other sizes than [network]")
        network.load_state_dict(earlier.state_dict())
    return network.train()


def _device(settings: FlowTrainingConfig) -> torch.device:
    found = torch.cuda.is_available()
    if settings.device == "cuda" and not found:
        raise ConfigError('device = "cuda": torch sees no CUDA device; use "cpu"')
    return torch.device("cuda" if found and settings.device != "cpu" else "cpu")


@dataclass(frozen=True, kw_only=True)
class Validation:
    """One row of ``validation.json``: errors after so many steps."""

    step: int
    errors: FlowErrors = field(metadata=records.INLINE)


def _report(folder: Path, step: int, errors: FlowErrors) -> None:
    path = folder / VALIDATION
    try:
        table = reading.read_json(path) if path.exists() else []
    except (OSError, reading.DamagedError) as error:
        raise DataError(f"{path}: {error}; remove the folder to start again") from error
    if not isinstance(table, list):
        raise DataError(f"{path}: expected a list of errors; remove the folder to start again")
    earlier = [records.from_json(Validation, row, where=str(path)) for row in table]
    # Errors of steps that were taken again after a stop are replaced.
    rows = [row for row in earlier if row.step < step] + [Validation(step=step, errors=errors)]
    lines = ",\n".join(json.dumps(records.to_json(row)) for row in rows)
    atomic.write_text(path, f"[\n{lines}\n]\n")
