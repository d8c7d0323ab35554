"""Training of the network on synthetic action-unit motion: no real clip enters.

Two stages in one folder, both resumable to the same bytes: maps are made into shards once, then
the network passes over them. Randomness is keyed by seed and step, so a stopped run goes on where
its last checkpoint stands.
"""

import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hmrm import atomic, config, parallel, provenance, run_folder
from hmrm.errors import ConfigError, DataError
from hmrm.flow.mapset import MapSet
from hmrm.flow.pair import MAP_SIDE, mirrored_maps
from hmrm.model.checkpoints import save_checkpoint
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import WeightCard
from hmrm.progress import Progress, silent
from hmrm.synthetic.flow_maps import SynthConfig, class_names, synthesize_maps, unit_names
from hmrm.synthetic.rendered_flow_maps import EstimatedConfig, synthesize_estimated_map
from hmrm.synthetic.shards import read_shard
from hmrm.training.loss import LossConfig, MultiScaleLoss
from hmrm.training.optimisation import (
    ParameterGroup,
    Schedule,
    build_optimiser,
    take_step,
    update_average,
)
from hmrm.training.state import load_state, save_state

SHARD_MAPS = 2000
STATE = "state.safetensors"


@dataclass(frozen=True, kw_only=True)
class SyntheticTrainingConfig:
    """Everything that decides the weights.

    Attributes:
        maps: synthetic maps in the pool, passed over again and again.
        held_out_maps: further maps, from another seed, that no step is taken on.
        steps: optimiser steps; with ``batch`` maps each.
        warm_up_steps: linear rise of the learning rate, then a cosine to zero.
        average_decay: of the exponential moving average that becomes the weights.
        unit_weight: weight of the action-unit head's loss; 0 leaves the head out.
        mirror: negate u and flip half of all maps.
        noise: standard deviation of noise added to u and v, in units of a map.
        checkpoint_steps: steps between two saved states.
        estimated: maps whose flow was estimated between rendered images; None models it.
    """

    seed: int = 0
    maps: int = 60000
    held_out_maps: int = 4000
    steps: int = 12000
    batch: int = 64
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warm_up_steps: int = 300
    average_decay: float = 0.999
    unit_weight: float = 0.5
    mirror: bool = True
    noise: float = 0.0
    checkpoint_steps: int = 500
    network: HMRMConfig = field(default_factory=HMRMConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    data: SynthConfig = field(default_factory=SynthConfig)
    estimated: EstimatedConfig | None = None

    def __post_init__(self) -> None:
        for name in ("maps", "held_out_maps", "steps", "batch", "checkpoint_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} = {getattr(self, name)}: must be at least 1")
        if not 0 <= self.average_decay < 1:
            raise ConfigError(f"average_decay = {self.average_decay}: must be in 0 … 1")
        if self.network.map_size != MAP_SIDE:
            raise ConfigError(
                f"network.map_size = {self.network.map_size}: synthetic maps have {MAP_SIDE} x "
                f"{MAP_SIDE} cells; set map_size = {MAP_SIDE}, or train from scratch on prepared "
                "maps of the larger size"
            )


def train_synthetic(
    settings: SyntheticTrainingConfig,
    folder: Path,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> Path:
    """Draw, train, and write ``weights.safetensors`` with its card; return its path.

    Args:
        folder: shards, states and weights; a folder of the same settings is resumed.
        workers: processes that synthesize maps; the result does not depend on it.

    Raises:
        ConfigError: the folder belongs to other settings.
        OutputError: it cannot be written.
    """
    with run_folder.claimed(folder, "config.toml", config.to_mapping(settings)):
        pool, held_out = (
            synthesize_pool(settings, folder, held_out=h, workers=workers, progress=progress)
            for h in (False, True)
        )
    model, average = _train(settings, pool, folder, progress)
    metrics = {"held-out synthetic maps": {"accuracy": accuracy(average, held_out)}}
    card = WeightCard(
        config=model.config,
        classes=model.classes,
        action_units=model.action_units,
        crop="hmrm-1",
        trained_on=f"{settings.maps} {_kind(settings.estimated)}; no real clip",
        steps=settings.steps,
        metrics=metrics,
        provenance=provenance.make_stamp(
            config_hash=config.digest(settings), seeds=(settings.seed,)
        ),
    )
    path = folder / "weights.safetensors"
    save_checkpoint(path, average, card)
    return path


def synthesize_pool(
    settings: SyntheticTrainingConfig,
    folder: Path,
    *,
    held_out: bool,
    workers: int,
    progress: Progress = silent,
) -> MapSet:
    """All maps of the training or the held-out pool, float16, with their action units.

    Shards on disk are not synthesized again.
    """
    name, count = ("held-out", settings.held_out_maps) if held_out else ("train", settings.maps)
    # Seeds of the two pools differ in kind: no index of one is ever an index of the other.
    seed = 2 * settings.seed + int(held_out)
    jobs = [
        (seed, start, min(SHARD_MAPS, count - start), folder / f"{name}-{start:07d}.npz")
        for start in range(0, count, SHARD_MAPS)
    ]
    missing = [job for job in jobs if not job[3].exists()]
    done = len(jobs) - len(missing)
    make_shard = functools.partial(_synthesize_shard, settings.data, settings.estimated)
    for _ in parallel.run_all(make_shard, missing, workers=workers):
        done += 1
        progress(f"drawing {name} maps", done, len(jobs))
    return _read_shards([job[3] for job in jobs], count, class_names(settings.data))


def _kind(estimated: EstimatedConfig | None) -> str:
    kind = "synthetic flow maps of action units"
    if estimated is None:
        return kind
    fraction = "" if estimated.fraction == 1 else f"{estimated.fraction:.0%} of them "
    return f"{kind}, {fraction}estimated between rendered images"


def accuracy(model: HMRM, pool: MapSet) -> float:
    """Fraction of maps whose most probable class is right."""
    right = 0
    with torch.inference_mode():
        for start in range(0, len(pool.labels), 256):
            part = slice(start, start + 256)
            fused = model(torch.from_numpy(pool.maps[part].astype(np.float32))).fused
            right += int((fused.argmax(1).numpy() == pool.labels[part]).sum())
    return right / len(pool.labels)


def _synthesize_shard(
    data: SynthConfig, estimated: EstimatedConfig | None, job: tuple[int, int, int, Path]
) -> None:
    seed, start, count, path = job
    maker = functools.partial(synthesize_estimated_map, estimated) if estimated else None
    maps, labels, units = synthesize_maps(data, seed=seed, start=start, count=count, make_map=maker)
    with atomic.writing(path) as temporary:
        np.savez(temporary, maps=maps.astype(np.float16), labels=labels, units=units)


def _read_shards(paths: Sequence[Path], count: int, classes: tuple[str, ...]) -> MapSet:
    shards: list[dict[str, np.ndarray]] = []
    for number, path in enumerate(paths):
        due = min(SHARD_MAPS, count - number * SHARD_MAPS)
        shard = read_shard(path, {"maps": ("f", 4), "labels": ("i", 1), "units": ("f", 2)}, due)
        if number and any(shard[name].shape[1:] != shards[0][name].shape[1:] for name in shard):
            raise DataError(f"{path}: has maps of another shape than {paths[0].name}; delete it")
        shards.append(shard)
    maps = np.concatenate([shard["maps"] for shard in shards]).astype(np.float16, copy=False)
    labels = np.concatenate([shard["labels"] for shard in shards])
    units = np.concatenate([shard["units"] for shard in shards]).astype(np.float32, copy=False)
    return MapSet(
        ids=tuple(f"synthetic/{paths[0].stem}/{i}" for i in range(count)),
        maps=maps,
        labels=labels,
        units=units,
        classes=classes,
        source="synthetic",
    )


def _train(
    settings: SyntheticTrainingConfig, pool: MapSet, folder: Path, progress: Progress
) -> tuple[HMRM, HMRM]:
    model = HMRM(
        settings.network,
        classes=class_names(settings.data),
        action_units=unit_names(settings.data) if settings.unit_weight > 0 else (),
        generator=torch.Generator().manual_seed(settings.seed),
    )
    average = copy.deepcopy(model)
    loss = MultiScaleLoss(settings.loss)
    modules: dict[str, nn.Module] = {"model": model, "average": average, "loss": loss}
    optimizer = build_optimiser(
        ParameterGroup(parameters=[*model.parameters(), *loss.parameters()]),
        weight_decay=settings.weight_decay,
    )
    schedule = Schedule(
        highest=settings.learning_rate,
        steps=settings.steps,
        warm_up=float(settings.warm_up_steps),
        rise=float(settings.warm_up_steps),
    )
    state = folder / STATE
    done = load_state(state, modules=modules, optimizer=optimizer) if state.exists() else 0
    for step in range(done, settings.steps):
        maps, labels, units, generator = _batch(settings, pool, step)
        logits = model(maps, generator=generator)
        total = loss(logits, labels)
        if settings.unit_weight > 0:
            total = total + settings.unit_weight * (
                functional.binary_cross_entropy_with_logits(logits.units, units)
            )
        take_step(optimizer, total, rate=schedule.rate(step), clipped=model)
        update_average(average, model, decay=settings.average_decay, step=step)
        if (step + 1) % settings.checkpoint_steps == 0 or step + 1 == settings.steps:
            save_state(state, step=step + 1, modules=modules, optimizer=optimizer)
        progress("training", step + 1, settings.steps)
    return model.eval(), average.eval()


def _batch(
    settings: SyntheticTrainingConfig, pool: MapSet, step: int
) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    """Maps, labels and units of one step, and dropout's generator: all keyed by seed and step."""
    rng = np.random.default_rng((settings.seed, step))
    chosen = pool.select(rng.integers(0, len(pool.ids), settings.batch).tolist())
    assert chosen.units is not None, "the pool is read from shards, which hold the units"
    maps = chosen.maps.astype(np.float32)
    if settings.mirror:
        flipped = rng.random(settings.batch) < 0.5
        maps[flipped] = mirrored_maps(maps[flipped])
    if settings.noise > 0:
        noise = rng.normal(0, settings.noise, maps[:, :2].shape)
        maps[:, :2] += noise.astype(np.float32)
    return (
        torch.from_numpy(maps),
        torch.from_numpy(chosen.labels),
        torch.from_numpy(chosen.units),
        torch.Generator().manual_seed(int(rng.integers(2**62))),
    )
