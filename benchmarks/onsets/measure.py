"""Render one expression, find it under each setting, and how late its ends were found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchmarks.clip_recipes import development_recipe, render_recipe
from benchmarks.spotting.measure import SyntheticSource
from benchmarks.spotting.videos import Video
from hmrm.clip import Event
from hmrm.spotting.first_pass import first_pass
from hmrm.spotting.flanks import FlankConfig
from hmrm.spotting.fusion import FusionConfig
from hmrm.spotting.settings import SpottingConfig
from hmrm.spotting.spot import find_events
from hmrm.synthetic.clips import Expression

Course = Literal["half cosine", "minimum jerk"]

RATE, SECONDS = 200.0, 5.0
SETTINGS = {
    "thresholds alone": SpottingConfig(
        fusion=FusionConfig(flanks=FlankConfig(least_frames_per_s=np.inf))
    ),
    "fitted flanks": SpottingConfig(),
}


@dataclass(frozen=True)
class MinimumJerk(Expression):
    """An expression whose flanks change their acceleration least (Flash and Hogan 1985)."""

    def amplitude(self, time_s: float) -> float:
        """How much of the units' intensity shows at a time: 0 to 1."""
        since = time_s - self.onset_s
        back = since - self.rise_s - self.hold_s
        return _minimum_jerk(since / self.rise_s) - _minimum_jerk(back / self.decay_s)


@dataclass(frozen=True)
class Ends:
    """How late the ends of one expression were found, s; None where it was not found."""

    setting: str
    onset_s: float | None
    offset_s: float | None
    others: int


def measured(order: tuple[int, Course]) -> list[Ends]:
    """Render one clip, follow its face once, and find its expression under every setting."""
    seed, course = order
    video, expression = rendered(seed, course)
    config = SpottingConfig()
    source = SyntheticSource(video, step=config.stride(RATE, SECONDS), stride=10**9)
    first = first_pass(source, config)
    return [
        _ends(name, find_events(first, setting).events, expression)
        for name, setting in SETTINGS.items()
    ]


def rendered(seed: int, course: Course) -> tuple[Video, Expression]:
    """One clip of the development recipe at 200 frames a second, and what it shows."""
    recipe = development_recipe(seed)
    (expression,) = recipe.expressions
    rng = np.random.default_rng([seed, 9])
    if seed % 2:
        rise_s, hold_s = rng.uniform(0.15, 0.5), rng.uniform(0.05, 1.0)
        decay_s, onset_s = rng.uniform(0.2, 0.7), rng.uniform(1.0, 2.5)
        expression = replace(
            expression, onset_s=onset_s, rise_s=rise_s, hold_s=hold_s, decay_s=decay_s
        )
    if seed % 3 == 0:
        units = [replace(u, intensity_px=2.5 * u.intensity_px) for u in expression.units]
        expression = replace(expression, units=tuple(units))
    if course == "minimum jerk":
        expression = MinimumJerk(**vars(expression))
    camera = replace(recipe.camera, frames_per_s=RATE, duration_s=SECONDS)
    clip = render_recipe(replace(recipe, expressions=(expression,), camera=camera))
    return Video(name=recipe.name, kind="mixed", clip=clip, lights=(), truth=()), expression


def _ends(setting: str, events: Sequence[Event], truth: Expression) -> Ends:
    end_s = truth.onset_s + truth.rise_s + truth.hold_s + truth.decay_s
    found = max(events, key=lambda e: _iou(e, truth.onset_s, end_s), default=None)
    if found is None or _iou(found, truth.onset_s, end_s) < 0.5:
        return Ends(setting, None, None, len(events))
    onset_s, offset_s = found.onset_s - truth.onset_s, found.offset_s - end_s
    return Ends(setting, onset_s, offset_s, len(events) - 1)


def _iou(event: Event, onset_s: float, end_s: float) -> float:
    inner = min(event.offset_s, end_s) - max(event.onset_s, onset_s)
    return max(0.0, inner) / (max(event.offset_s, end_s) - min(event.onset_s, onset_s))


def _minimum_jerk(phase: float) -> float:
    phase = min(max(phase, 0.0), 1.0)
    return phase**3 * (10 - 15 * phase + 6 * phase**2)
