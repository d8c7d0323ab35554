"""Analyses of several videos, each in a folder of its own, resumable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from hmrm.analysis.analyze import analyze
from hmrm.analysis.classify import DEFAULT_WEIGHTS, open_classifier, origin_of
from hmrm.analysis.report.index import write_index
from hmrm.analysis.results import VideoFiles
from hmrm.analysis.run import Outcome, VideoRun, blurring, run_videos, settings_digest
from hmrm.analysis.saved import files_of
from hmrm.analysis.settings import AnalyzeConfig, Classifier
from hmrm.analysis.target import Target
from hmrm.engine.contract import Engine
from hmrm.engine.local import LocalEngine
from hmrm.errors import WeightsError
from hmrm.faces.boxes import Detector
from hmrm.flow.estimate import weights_sha256
from hmrm.model.weight_card import tensor_path
from hmrm.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class _Analysing:
    """Analyses one video at a time, wherever it is sent to.

    Attributes:
        progress: of the steps within a video; only where it runs in this process.
    """

    config: AnalyzeConfig
    onset: int | None
    apex: int | None
    frames_per_s: float | None
    weights: str | Path | None
    blur_faces: bool
    detector: Detector | None
    progress: Progress = silent

    def __call__(self, target: Target) -> VideoFiles:
        analysis = analyze(
            target.source,
            onset=self.onset,
            apex=self.apex,
            frames_per_s=self.frames_per_s,
            config=self.config,
            classifier=_classifier(self.weights),
            detector=self.detector,
            progress=self.progress,
        )
        return files_of(target, analysis, blur_faces=self.blur_faces)

    def decided_by(self) -> dict[str, str]:
        """What decides a result next to the config and the video, as it is on this machine."""
        origin = origin_of(_classifier(self.weights))
        return {
            "frames": f"{self.onset} {self.apex} {self.frames_per_s}",
            "classifier": origin.sha256 if origin else "",
            "flow": weights_sha256(self.config.flow),
            **blurring(self.blur_faces),
        }


@lru_cache(maxsize=1)
def _classifier(weights: str | Path | None) -> Classifier | None:
    """Opened once in a process."""
    return open_classifier(weights)


@dataclass(frozen=True, kw_only=True)
class _AnalyzeCheck:
    """Whether a machine has the weights that were found where the run was started."""

    analysing: _Analysing
    expected: Mapping[str, str]
    settings: str

    def __call__(self) -> None:
        found = self.analysing.decided_by()
        other = [name for name, digest in self.expected.items() if found.get(name) != digest]
        if other or settings_digest("analyze", self.analysing.config, found) != self.settings:
            what = " and ".join(other) or "landmark model or version"
            raise WeightsError(
                f"{what}: other weights than where the run was started; copy the same there"
            )


def analyze_videos(
    targets: Sequence[Target],
    folder: Path,
    config: AnalyzeConfig | None = None,
    *,
    onset: int | None = None,
    apex: int | None = None,
    frames_per_s: float | None = None,
    weights: str | Path | None = DEFAULT_WEIGHTS,
    blur_faces: bool = False,
    detector: Detector | None = None,
    engine: Engine | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Analyse several videos; each gets events.csv, frames.csv, analysis.json and report.html.

    Videos whose current result is kept in the folder are not analysed again (``run.py``).

    Args:
        onset: zero-based frame; with ``apex`` nothing is spotted in any video.
        blur_faces: no face can be recognised in the reports.
        weights: name or path of those that give the classes; None leaves them empty.
        engine: computes, several videos at a time; None is this process.

    Raises:
        EngineError: see `hmrm.engine.contract.Engine`.
        InputError: an unknown flow estimator; a video that cannot be used does not raise.
        OutputError: a result cannot be written.
        MissingExtraError, WeightsError: as `hmrm.analysis.analyze.analyze`.
    """
    engine = engine or LocalEngine()
    _classifier.cache_clear()  # a file of weights may have been replaced since
    analysing = _Analysing(
        config=config or AnalyzeConfig(),
        onset=onset,
        apex=apex,
        frames_per_s=frames_per_s,
        weights=weights if engine.reads_here else _for_others(weights),
        blur_faces=blur_faces,
        detector=detector,
    )
    decided_by = analysing.decided_by()
    settings = settings_digest("analyze", analysing.config, decided_by)
    run = run_videos(
        targets,
        folder,
        replace(analysing, progress=progress) if engine.here else analysing,
        settings=settings,
        engine=engine,
        check=_AnalyzeCheck(analysing=analysing, expected=decided_by, settings=settings),
        frames_per_s=frames_per_s,
        progress=progress,
        on_outcome=on_outcome,
    )
    if run.results:
        write_index(folder, run, "Movements found by hmrm analyze")
    return run


def _for_others(weights: str | Path | None) -> str | Path | None:
    """A shipped name as it is, a path for processes that work in other folders."""
    if weights is None or not tensor_path(Path(weights)).exists():
        return weights
    return Path(weights).absolute()
