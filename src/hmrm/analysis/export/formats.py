"""Every format of an export, by the name that ``hmrm export --format`` takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hmrm import atomic
from hmrm.analysis.export import (
    bids,
    boris,
    elan,
    json_file,
    openface,
    parquet,
    summary,
    textgrid,
    webvtt,
)
from hmrm.analysis.record import Analysis
from hmrm.errors import InputError

VIDEO = "mp4"
"""The format that needs the video: ``hmrm.analysis.export.video``."""

Written = tuple[Path, ...]


def always() -> bool:
    """Nothing more has to be installed."""
    return True


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format.

    Attributes:
        program: what opens it.
        ending: of a file that is named for its video; the whole name of one over all videos.
        per_video: writes one video.
        per_run: writes all videos of a run into one.
        is_installed: whether what it needs is there.
        extra: what brings that.
    """

    program: str
    ending: str
    per_video: Callable[[Path, Analysis], Written] | None = None
    per_run: Callable[[Path, Sequence[Analysis]], Written] | None = None
    is_installed: Callable[[], bool] = always
    extra: str = ""

    def write(self, path: Path, analyses: Sequence[Analysis]) -> Written:
        """Write one analysis, or several where the format holds them."""
        if self.per_run is not None:
            return self.per_run(path, analyses)
        assert self.per_video is not None
        [analysis] = analyses
        return self.per_video(path, analysis)


FORMATS: Mapping[str, Format] = {
    "elan": Format(program="ELAN", ending=".eaf", per_video=elan.write),
    "textgrid": Format(program="Praat", ending=".TextGrid", per_video=textgrid.write),
    "webvtt": Format(program="video players", ending=".vtt", per_video=webvtt.write),
    "boris": Format(program="BORIS", ending="hmrm.boris", per_run=boris.write),
    "bids": Format(program="BIDS tools", ending="bids", per_run=bids.write),
    "openface": Format(
        program="OpenFace scripts", ending="_openface.csv", per_video=openface.write
    ),
    "json": Format(program="any language", ending="_hmrm.json", per_video=json_file.write),
    "parquet": Format(
        program="pandas, R, DuckDB",
        ending="_events.parquet",
        per_video=parquet.write,
        is_installed=parquet.is_installed,
        extra="parquet",
    ),
    "summary": Format(program="spreadsheets", ending="summary.csv", per_run=summary.write),
}
"""By name; ``mp4`` is not among them, since it needs the video."""


def format_of(name: str) -> Format:
    """The format of a name.

    Raises:
        InputError: there is none.
    """
    if name not in FORMATS:
        table = "; events.csv is among the results" if name in ("csv", "excel", "xlsx") else ""
        raise InputError(
            f"format {name!r} is unknown; choose among {', '.join((*FORMATS, VIDEO))}{table}"
        )
    return FORMATS[name]


def export(analysis: Analysis, path: Path, name: str) -> Written:
    """Write one analysis as one format; see `Analysis.export`.

    Raises:
        InputError: an unknown format, or ``mp4``, which needs the video.
        OutputError: a file cannot be written.
        MissingExtraError: what the format needs is not installed.
    """
    if name == VIDEO:
        raise InputError(
            "mp4 needs the video: hmrm.analysis.export.video.write_video, or hmrm export --video"
        )
    kind = format_of(name)
    if path.suffix:
        atomic.require_file(path)
    else:
        atomic.require_folder(path)
    return kind.write(path, [analysis])


def export_results(
    results: Mapping[str, Analysis], folder: Path, names: Sequence[str]
) -> dict[str, Written]:
    """Write several analyses as several formats into one folder.

    Args:
        results: name of a video → what was found; files are named for it.
        names: of `FORMATS`.

    Returns:
        Name of a format → what was written.

    Raises:
        InputError, OutputError, MissingExtraError: see `export`.
    """
    written: dict[str, Written] = {}
    for name in names:
        kind = format_of(name)
        if kind.per_run is not None:
            written[name] = kind.write(folder / kind.ending, list(results.values()))
            continue
        paths = (
            kind.write(folder / f"{video}{kind.ending}", [one]) for video, one in results.items()
        )
        written[name] = tuple(dict.fromkeys(path for each in paths for path in each))
    return written
