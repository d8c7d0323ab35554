"""Render one video, follow its face, and keep what both spotters look at: one file per video."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.spotting import softnet
from benchmarks.spotting.talking import TALKING, render_talking
from benchmarks.spotting.videos import Part, Video, render_video
from hmrm import atomic
from hmrm.faces.mtcnn import MTCNN, MTCNNConfig
from hmrm.intervals import Interval
from hmrm.spotting.cover import FaceAppearances
from hmrm.spotting.first_pass import first_pass
from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.motion import MotionSignal
from hmrm.spotting.settings import SpottingConfig
from hmrm.video.source import TimedImage, VideoSource


@dataclass(frozen=True)
class Measured:
    """One video as both spotters see it.

    Attributes:
        measures, signal, appearances: of the mesh, of registration, and small images, for ours.
        frames: numbers of the frames the baseline looks at.
        images: kind → what its network sees of each pair; none for "development" signals alone.
        k: kind → frames looked at between the two of a pair.
    """

    name: str
    kind: str
    frames_per_s: float
    seconds: float
    truth: tuple[Interval, ...]
    measures: FaceMeasures
    signal: MotionSignal
    appearances: FaceAppearances
    frames: np.ndarray
    images: dict[str, np.ndarray]
    k: dict[str, int]


@dataclass(frozen=True)
class Order:
    """Which video to measure, and where to keep the result."""

    part: Part
    number: int
    model_path: Path | None
    folder: Path

    @property
    def path(self) -> Path:
        """The file that is kept."""
        return self.folder / f"{self.part}-{self.number:02d}.npz"


class SyntheticSource(VideoSource):
    """Frames straight from the renderer, and those the baseline looks at kept on the way."""

    def __init__(self, video: Video, *, step: int, stride: int) -> None:
        super().__init__(name=video.name, path=Path(video.name), max_frames=None)
        camera = video.clip.config
        self.frames_per_s, self.frame_count = camera.frames_per_s, camera.frame_count
        self.size_wh_px = camera.size_wh_px
        self.kept: dict[int, np.ndarray] = {}
        self._video, self._step, self._stride = video, step, stride

    def _images(self) -> Iterator[TimedImage]:
        for index, image in enumerate(self._video.images(self._step)):
            if index % self._stride == 0:
                self.kept[index] = image
            yield TimedImage(
                time_s=index / self.frames_per_s,
                size_wh_px=self.size_wh_px,
                load=partial(np.asarray, image),
            )


def measure(order: Order) -> float:
    """Measure one video unless its file is there; returns the seconds of processor time."""
    begun = time.process_time()
    if order.path.exists():
        return 0.0
    # Which faces are rendered again was settled before the detector looked twice.
    first_pass_only = MTCNN(MTCNNConfig(second_look=False))
    if order.part in TALKING:
        video = render_talking(order.part, order.number, first_pass_only)
    else:
        video = render_video(order.part, order.number, order.model_path, first_pass_only)
    rate, config = video.clip.config.frames_per_s, SpottingConfig()
    step = config.stride(rate, video.clip.config.duration_s)
    stride = max(step, round(rate / softnet.FRAMES_PER_S))
    source = SyntheticSource(video, step=step, stride=stride)
    first = first_pass(source, config)
    (track,) = first.measured(largest=True)
    points = dict(zip(track.index.tolist(), track.points_xy_px, strict=True))
    frames = [index for index in sorted(source.kept) if index in points]
    crops = [softnet.crop(source.kept[index], points[index]) for index in frames]
    k = {kind: round(s * rate / stride) for kind, s in softnet.HALF_LENGTH_S.items()}
    seen = {f"images_{kind}": softnet.images(crops, n) for kind, n in k.items()}
    signal = track.signal
    about = {
        "name": video.name,
        "kind": video.kind,
        "frames_per_s": rate,
        "seconds": video.clip.config.duration_s,
        "truth": [asdict(one) for one in video.truth],
        "regions": signal.regions,
        "k": k,
    }
    arrays = {
        f"{part}_{name}": getattr(getattr(track, part), name)
        for part, kind in _PARTS.items()
        for name in _arrays(kind)
    }
    with atomic.writing(order.path) as temporary:
        np.savez(temporary, about=np.array(json.dumps(about)), frames=frames, **arrays, **seen)
    return time.process_time() - begun


_PARTS = {"measures": FaceMeasures, "signal": MotionSignal, "appearances": FaceAppearances}


def _arrays(kind: type) -> list[str]:
    return [one.name for one in fields(kind) if one.name != "regions"]


def load(path: Path) -> Measured:
    """Read what ``measure`` kept."""
    with np.load(path, allow_pickle=False) as stored:
        about = json.loads(str(stored["about"]))
        parts = {
            part: {name: stored[f"{part}_{name}"] for name in _arrays(kind)}
            for part, kind in _PARTS.items()
        }
        return Measured(
            name=about["name"],
            kind=about["kind"],
            frames_per_s=about["frames_per_s"],
            seconds=about["seconds"],
            truth=tuple(Interval(**one) for one in about["truth"]),
            measures=FaceMeasures(**parts["measures"]),
            signal=MotionSignal(regions=tuple(about["regions"]), **parts["signal"]),
            appearances=FaceAppearances(**parts["appearances"]),
            frames=stored["frames"],
            images={kind: stored[f"images_{kind}"] for kind in about["k"]},
            k=about["k"],
        )
