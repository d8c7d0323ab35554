"""Analyses of several videos, each in a folder of its own, resumable."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hmrm.analysis.analyze import analyze
from hmrm.analysis.classify import DEFAULT_WEIGHTS, open_classifier, origin_of
from hmrm.analysis.report.index import write_index
from hmrm.analysis.results import VideoResult
from hmrm.analysis.run import Outcome, Target, VideoRun, blurring, run_videos, settings_digest
from hmrm.analysis.saved import save_video
from hmrm.analysis.settings import AnalyzeConfig
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
    blur_faces: bool = False,
    detector: Detector | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Analyse several videos; each gets events.csv, frames.csv, analysis.json and report.html.

    Videos whose current result is kept in the folder are not analysed again (``run.py``).

    Args:
        onset: zero-based frame; with ``apex`` nothing is spotted in any video.
        blur_faces: no face can be recognised in the reports.
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
        return save_video(folder, target, analysis, blur_faces=blur_faces)

    decided_by = {
        "frames": f"{onset} {apex} {frames_per_s}",
        "classifier": origin.sha256 if origin else "",
        "flow": weights_sha256(config.flow),
        **blurring(blur_faces),
    }
    run = run_videos(
        targets,
        folder,
        process,
        settings=settings_digest("analyze", config, decided_by),
        frames_per_s=frames_per_s,
        progress=progress,
        on_outcome=on_outcome,
    )
    if run.results:
        write_index(folder, run, "Movements found by hmrm analyze")
    return run
