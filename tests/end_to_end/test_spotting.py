"""The spotter on clips it was not tuned on, committed before it was, by ``hmrm.synthetic``.

The spotter was developed on the clips of ``tests/rendered_faces.py``, which share neither
picture nor motion nor noise with these.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.clip_recipes import ClipRecipe, read_clip_list, render_recipe
from hmrm.analysis.analyze import analyze
from hmrm.parallel import run_all
from hmrm.synthetic.clips import RenderedClip
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Outcome:
    """How well the one true event of a clip was found, and what else was."""

    name: str
    best_iou: float
    apex_off: int
    others: int


def frames_iou(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Intersection over union of two intervals of frames, both ends inclusive."""
    inner = min(a[1], b[1]) - max(a[0], b[0]) + 1
    union = max(a[1], b[1]) - min(a[0], b[0]) + 1
    return max(0, inner) / union


def outcome(name: str, clip: RenderedClip, path: Path) -> Outcome:
    write_video(path, (frame.image for frame in clip.frames()), clip.config.frames_per_s)
    (truth,) = clip.truth.events
    best, apex_off = 0.0, 10**6
    found = analyze(path).events
    for event in found:
        iou = frames_iou(
            (event.onset_index, event.offset_index), (truth.onset_index, truth.offset_index)
        )
        if iou > best:
            best, apex_off = iou, abs(event.apex_index - truth.apex_index)
    return Outcome(name, best, apex_off, len(found) - (best > 0))


def judge(item: tuple[ClipRecipe, Path]) -> Outcome:
    recipe, folder = item
    return outcome(recipe.name, render_recipe(recipe), folder / f"{recipe.name}.mp4")


def test_the_demo_finds_its_smile(tmp_path: Path) -> None:
    found = outcome("demo", demo_clip(), tmp_path / "demo.mp4")
    assert found.best_iou >= 0.5, found
    assert found.apex_off <= 5, found


@pytest.mark.slow
def test_committed_clips_are_found(tmp_path: Path) -> None:
    items = [(recipe, tmp_path) for recipe in read_clip_list(HERE / "spotting_clips.toml")]
    outcomes = sorted((o for _, o in run_all(judge, items, workers=2)), key=lambda o: o.name)
    good = [o for o in outcomes if o.best_iou >= 0.5 and o.apex_off <= 5]
    table = "\n".join(
        f"{o.name:24} IoU {o.best_iou:.2f}, apex {o.apex_off} frames off, {o.others} others"
        for o in outcomes
    )
    assert len(outcomes) == 20
    assert len(good) >= 18, table


@pytest.mark.slow
def test_head_motion_blinks_and_noise_give_at_most_two_events(tmp_path: Path) -> None:
    (recipe,) = read_clip_list(HERE / "quiet_clip.toml")
    clip = render_recipe(recipe)
    path = tmp_path / "quiet.mp4"
    write_video(path, (frame.image for frame in clip.frames()), clip.config.frames_per_s)
    events = analyze(path).events
    assert len(events) <= 2, events
