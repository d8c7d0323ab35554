"""Analyses of several videos, each in a folder of its own, resumable."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hmrm import atomic, provenance
from hmrm.analysis import exports
from hmrm.analysis.analyze import analyze
from hmrm.analysis.classify import DEFAULT_WEIGHTS, open_classifier, origin_of
from hmrm.analysis.results import VideoResult
from hmrm.analysis.run import KEPT_FOLDER, Outcome, Target, VideoRun, run_videos, settings_digest
from hmrm.analysis.settings import AnalyzeConfig
from hmrm.clip import Analysis
from hmrm.faces.boxes import Detector
from hmrm.flow.estimate import weights_sha256
from hmrm.progress import Progress, silent


def analyze_videos(
    targets: Sequence[Target],
    folder: Path,
    config: AnalyzeConfig | None = None,
    *,
    onset: int | None = None,
    apex: int | None = None,
    frames_per_s: float | None = None,
    weights: str | Path | None = DEFAULT_WEIGHTS,
    detector: Detector | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Analyse several videos; each gets events.csv, frames.csv, analysis.json and report.html.

    Videos whose current result is kept in the folder are not analysed again (``run.py``).

    Args:
        onset: zero-based frame; with ``apex`` nothing is spotted in any video.
        weights: name or path of those that give the classes; None leaves them empty.

    Raises:
        InputError: an unknown flow estimator; a video that cannot be used does not raise.
        OutputError: a result cannot be written.
        MissingExtraError, WeightsError: as `hmrm.analysis.analyze.analyze`.
    """
    config = config or AnalyzeConfig()
    classifier = open_classifier(weights)
    origin = origin_of(classifier)

    def process(target: Target) -> VideoResult:
        analysis = analyze(
            target.source,
            onset=onset,
            apex=apex,
            frames_per_s=frames_per_s,
            config=config,
            classifier=classifier,
            detector=detector,
            progress=progress,
        )
        atomic.remove_partial(folder / folder_of(target))
        exports.save(folder / folder_of(target), analysis)
        return _result(target, folder, analysis)

    decided_by = {
        "frames": f"{onset} {apex} {frames_per_s}",
        "classifier": origin.sha256 if origin else "",
        "flow": weights_sha256(config.flow),
    }
    return run_videos(
        targets,
        folder,
        process,
        settings=settings_digest("analyze", config, decided_by),
        frames_per_s=frames_per_s,
        progress=progress,
        on_outcome=on_outcome,
    )


def folder_of(target: Target) -> str:
    """Name of a video's folder in the run's; the one that holds what is kept is not used."""
    return f"{target.name}_" if target.name == KEPT_FOLDER else target.name


def _result(target: Target, folder: Path, analysis: Analysis) -> VideoResult:
    names = [f"{folder_of(target)}/{name}" for name in exports.FILES]
    return VideoResult(
        subject=target.subject,
        video=target.video,
        source=analysis.source,
        data_hash=analysis.provenance["data_hash"],
        frame_count=analysis.frame_count,
        frames_per_s=analysis.frames_per_s,
        duration_s=analysis.duration_s,
        events=analysis.events,
        notices=analysis.notices,
        rejected=analysis.rejected,
        files={name: provenance.sha256(folder / name) for name in names},
    )
