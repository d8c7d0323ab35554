"""One video of a run, and what it is called in the results."""

from dataclasses import dataclass
from pathlib import Path

from hmrm.video.images import StillPair

KEPT_FOLDER = "videos"
"""Where a run keeps the result of each finished video."""

_OWN = (KEPT_FOLDER, "spotting.csv", "spotting.json")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One video to analyse and what it is called in the results."""

    subject: str = ""
    video: str
    source: Path | StillPair

    @property
    def name(self) -> str:
        """Subject and video, fit for a file's name."""
        return "_".join(part for part in (self.subject, self.video) if part)

    @property
    def folder(self) -> str:
        """Name of its folder in the run's; names of the run's own files are not used."""
        return f"{self.name}_" if self.name in _OWN else self.name
