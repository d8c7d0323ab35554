"""What a model costs: parameters, operations, bytes, milliseconds, and seconds of training.

Operations are torch's own count of matrix products and convolutions (a multiplication and an
addition are two), plus what torch's counter cannot see, from `CUSTOM_COUNTS`: above all the
selective scan, 9 · B · L · D · N per scan (Mamba's authors' figure: discretise A and B, step the
state, read it out). Elementwise operations outside scans are excluded, as in published tables.

Times are processor time on one thread, the median of many calls: what else runs on the machine
slows them less than it slows a clock on the wall. They belong to the processor they name.
"""

import platform
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hmrm.clip import CLASSES
from hmrm.errors import ConfigError
from hmrm.evaluation.settings import load_plan
from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.model.baselines.frame_svm import FrameSvm
from hmrm.model.contract import FittedRecogniser, Recogniser, TrainingSet
from hmrm.model.grained_mamba import GrainedMambaEncoder, ShortConvolution
from hmrm.model.scan import using_backend
from hmrm.parallel import one_torch_thread
from hmrm.progress import Progress, silent
from hmrm.training.ensemble import Ensemble
from hmrm.training.registry import MODELS, Model, build_recogniser, find_recogniser

SCAN = "scan"
PRODUCTS = "products"
BATCHES = (1, 32)
CONFIG_ENDING = ".toml"
NOISE_FRAMES = 50
"""Frames of the clip that machines on frames are timed on: half a second at 100 a second."""
TRAINING_CLIPS = 435
"""Clips that train a fold of the 442-clip benchmark, on average."""


def scan_flops(encoder: nn.Module, inputs: tuple[Any, ...]) -> int:
    """9 · B · L · D · N for each block, grain and direction of one call."""
    assert isinstance(encoder, GrainedMambaEncoder)
    (grains,) = inputs
    tokens = sum(grain[..., 0].numel() for grain in grains)
    # A has one entry per direction, channel and state: 2 · D · N.
    return sum(9 * tokens * weights.numel() for weights in _named(encoder, "A_log"))


def _named(module: nn.Module, name: str) -> list[nn.Parameter]:
    return [p for path, p in module.named_parameters() if path.rpartition(".")[2] == name]


def convolution_flops(layer: nn.Module, inputs: tuple[Any, ...]) -> int:
    """2 · B · L · D · taps of one direction's short convolution, which is written as sums."""
    assert isinstance(layer, ShortConvolution)
    tokens: Tensor = inputs[0]
    return 2 * tokens.numel() * layer.weight.shape[-1]


CUSTOM_COUNTS: dict[type[nn.Module], tuple[str, Callable[[nn.Module, tuple[Any, ...]], int]]] = {
    GrainedMambaEncoder: (SCAN, scan_flops),
    ShortConvolution: ("short convolution", convolution_flops),
}
"""Type of module → kind of work, and its operations in one call, from the call's inputs."""


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """One model's costs; None where a cost does not apply or was not measured.

    Attributes:
        flops: operations per clip, all kinds together; ``scan_flops`` of them in scans.
        weights_mb: parameters and buffers in float32, 10⁶ bytes.
        ms_per_clip: processor time by batch size.
        training_s_per_fold: one timed epoch times ``epochs``; a whole fit where there are none.
        side_px: of the maps it takes.
    """

    name: str
    parameters: int | None
    flops: int | None
    scan_flops: int | None
    weights_mb: float | None
    ms_per_clip: dict[int, float]
    training_s_per_fold: float | None
    epochs: int | None
    side_px: int


def model_names() -> tuple[str, ...]:
    """All that can be measured: models that can be trained, then networks that are only counted."""
    return tuple(MODELS)


def measure_models(
    names: Sequence[str],
    *,
    train: TrainingSet | None = None,
    budget_s: float = 1.0,
    allow_code: Collection[str] = (),
    progress: Progress = silent,
) -> Iterable[Efficiency]:
    """Measure one model after the other, on one thread.

    Args:
        names: of `model_names`, or paths of configs (``.toml``) that name a model.
        train: what a fold trains on; None draws `TRAINING_CLIPS` maps of noise, which cost the
            same (an SVM on real maps is a little faster).
        budget_s: time for each median.
        allow_code: modules of which a config may name a factory as its model.

    Raises:
        ConfigError: unknown name, or a config that cannot be read.
    """
    unknown = [n for n in names if n not in model_names() and not n.endswith(CONFIG_ENDING)]
    if unknown:
        raise ConfigError(f"model {unknown[0]!r} is unknown; choose {', '.join(model_names())}")
    clips = train if train is not None else noise_set(TRAINING_CLIPS)
    for done, name in enumerate(names):
        progress("models", done, len(names))
        with one_torch_thread():
            yield _measure(name, clips, budget_s=budget_s, allow_code=allow_code)
    progress("models", len(names), len(names))


def noise_set(count: int) -> TrainingSet:
    """``count`` maps of noise with the three classes in turn: something to take the time of."""
    maps = np.random.default_rng(0).normal(size=(count, 3, 28, 28)).astype(np.float32)
    ids = tuple(f"noise/s{i % 67:02d}/c{i:03d}" for i in range(count))
    return TrainingSet(ids=ids, maps=maps, labels=np.arange(count) % 3, classes=CLASSES)


def _measure(
    name: str, train: TrainingSet, *, budget_s: float, allow_code: Collection[str]
) -> Efficiency:
    model = MODELS.get(name)
    if model is not None and model.reads == "frames":
        return _measure_frames(name, model, budget_s=budget_s)
    if model is not None and model.recogniser is not None:
        return _measure_recogniser(name, build_recogniser(name), train, budget_s=budget_s)
    if model is not None and model.network is not None:
        network = model.network(classes=len(CLASSES))
        return measure_network(name, network, side_px=model.side_px, budget_s=budget_s)
    plan = load_plan(Path(name), allow_code=allow_code)
    recogniser = find_recogniser(plan.model, plan.options)
    return _measure_recogniser(Path(name).stem, recogniser, train, budget_s=budget_s)


def _measure_frames(name: str, model: Model, *, budget_s: float) -> Efficiency:
    """A model on frames: a network as it stands; a machine by describing one clip of noise.

    Reading files and training are not measured: both depend on the clips' length.
    """
    if model.network is not None:
        network = model.network(classes=len(CLASSES))
        return measure_network(
            name, network, side_px=model.side_px, channels=model.channels, budget_s=budget_s
        )
    machine = build_recogniser(name)
    assert isinstance(machine, FrameSvm)
    noise = np.random.default_rng(0).integers(0, 256, (NOISE_FRAMES, 160, 160), dtype=np.uint8)
    flow = np.zeros((2, 160, 160), dtype=np.float32)
    clip = AlignedFrames(frames=noise, apex=0, flow=flow, frame_rate=100.0)
    ms = median_ms(partial(machine.describe_clip, clip), budget_s=budget_s)
    # One number per pair of classes and part of the description, and an offset.
    parameters = len(tuple(combinations(CLASSES, 2))) * (len(machine.describe_clip(clip)) + 1)
    return Efficiency(
        name=name,
        parameters=parameters,
        flops=2 * parameters,
        scan_flops=0,
        weights_mb=parameters * 4 / 1e6,
        ms_per_clip=dict.fromkeys(BATCHES, ms),
        training_s_per_fold=None,
        epochs=None,
        side_px=160,
    )


def _measure_recogniser(
    name: str, recogniser: Recogniser, train: TrainingSet, *, budget_s: float
) -> Efficiency:
    if isinstance(recogniser, Ensemble):
        members = [
            _measure_recogniser(name, member, train, budget_s=budget_s)
            for member in recogniser.members
        ]
        return add_up(name, members)
    fitted, training_s = _timed_fit(recogniser, train)
    epochs = recogniser.epochs
    network = getattr(fitted, "network", None)
    if isinstance(network, nn.Module):
        side_px = train.maps.shape[-1]
        return measure_network(
            name,
            network,
            side_px=side_px,
            budget_s=budget_s,
            training_s=training_s,
            epochs=epochs,
        )
    return _measure_machine(name, fitted, train, budget_s=budget_s, training_s=training_s)


def add_up(name: str, members: Sequence[Efficiency]) -> Efficiency:
    """The costs of ensemble members, summed; a cost that one member hides is hidden for all."""

    def total(values: Sequence[Any]) -> Any:
        return None if any(value is None for value in values) else sum(values)

    return Efficiency(
        name=name,
        parameters=total([m.parameters for m in members]),
        flops=total([m.flops for m in members]),
        scan_flops=total([m.scan_flops for m in members]),
        weights_mb=total([m.weights_mb for m in members]),
        ms_per_clip={b: total([m.ms_per_clip[b] for m in members]) for b in BATCHES},
        training_s_per_fold=total([m.training_s_per_fold for m in members]),
        epochs=None,
        side_px=members[0].side_px,
    )


def _timed_fit(recogniser: Recogniser, train: TrainingSet) -> tuple[FittedRecogniser, float]:
    """A model after two short trainings, and the seconds that a whole one takes.

    The second epoch, or the second fit, alone is timed: it pays for no warming up.
    """
    marks: list[float] = []

    def mark(epoch: int, fitted: FittedRecogniser) -> None:
        del epoch, fitted
        marks.append(time.process_time())

    fitted = recogniser.fit(train, seed=0, epochs=2, observer=mark)
    if recogniser.epochs is not None:
        return fitted, (marks[1] - marks[0]) * recogniser.epochs
    start = time.process_time()
    fitted = recogniser.fit(train, seed=0)
    return fitted, time.process_time() - start


def measure_network(
    name: str,
    network: nn.Module,
    *,
    side_px: int,
    budget_s: float,
    channels: int = 3,
    training_s: float | None = None,
    epochs: int | None = None,
) -> Efficiency:
    """Count and time any network that maps ``(b, channels, side_px, side_px)`` to scores."""
    network.eval()
    counts = count_flops(network, torch.zeros(1, channels, side_px, side_px))
    tensors = (*network.parameters(), *network.buffers())
    times = {}
    with torch.inference_mode():
        for batch in BATCHES:
            maps = torch.rand(batch, channels, side_px, side_px, generator=_generator())
            times[batch] = median_ms(partial(network, maps), budget_s=budget_s) / batch
    return Efficiency(
        name=name,
        parameters=sum(p.numel() for p in network.parameters()),
        flops=sum(counts.values()),
        scan_flops=counts.get(SCAN, 0),
        weights_mb=sum(t.numel() * t.element_size() for t in tensors) / 1e6,
        ms_per_clip=times,
        training_s_per_fold=training_s,
        epochs=epochs,
        side_px=side_px,
    )


def _measure_machine(
    name: str,
    fitted: FittedRecogniser,
    train: TrainingSet,
    *,
    budget_s: float,
    training_s: float,
) -> Efficiency:
    """A recogniser without a network; it may know its own ``parameters`` and ``flops``."""
    parameters = getattr(fitted, "parameters", None)
    times = {}
    for batch in BATCHES:
        maps = np.resize(train.maps, (batch, *train.maps.shape[1:]))
        times[batch] = median_ms(partial(fitted.predict, maps), budget_s=budget_s) / batch
    return Efficiency(
        name=name,
        parameters=parameters,
        flops=getattr(fitted, "flops", None),
        scan_flops=0,
        weights_mb=None if parameters is None else parameters * 4 / 1e6,
        ms_per_clip=times,
        training_s_per_fold=training_s,
        epochs=None,
        side_px=train.maps.shape[-1],
    )


def count_flops(network: nn.Module, maps: Tensor) -> dict[str, int]:
    """Operations of one call by kind: `PRODUCTS`, and what `CUSTOM_COUNTS` finds."""
    found: dict[str, int] = {}

    def counting(kind: str, count: Callable[[nn.Module, tuple[Any, ...]], int]) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            found[kind] = found.get(kind, 0) + count(module, inputs)

        return hook

    with ExitStack() as stack:
        for module in network.modules():
            if type(module) in CUSTOM_COUNTS:
                handle = module.register_forward_pre_hook(counting(*CUSTOM_COUNTS[type(module)]))
                stack.callback(handle.remove)
        # The reference scan is made of elementwise operations only, so nothing counts twice.
        stack.enter_context(using_backend("reference"))
        stack.enter_context(torch.no_grad())
        counter = stack.enter_context(FlopCounterMode(display=False))
        network(maps)
    return {PRODUCTS: counter.get_total_flops(), **found}


def median_ms(run: Callable[[], Any], *, budget_s: float, most: int = 200) -> float:
    """Median processor time of ``run``, ms, after one call to warm up; one call at least."""
    run()
    times: list[float] = []
    while not times or (sum(times) < budget_s and len(times) < most):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


def cpu_name() -> str:
    """What the processor calls itself; the architecture where it does not say."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
