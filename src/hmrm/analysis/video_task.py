"""One video as a task for an engine, and what a machine needs for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hmrm.analysis.results import VideoFiles
from hmrm.analysis.target import Target
from hmrm.engine.contract import Check
from hmrm.engine.paths import PathsCheck, paths_check
from hmrm.errors import FaceError, HmrmError, InputError, NumericalError
from hmrm.video.images import StillPair

OF_ONE_VIDEO = (InputError, FaceError, NumericalError)
"""Errors that concern one video; others, as a full disk or a missing extra, concern them all."""


@dataclass(frozen=True)
class VideosCheck:
    """Whether a machine has the videos, and passes ``more``."""

    paths: PathsCheck
    more: Check | None

    @classmethod
    def of(cls, targets: Sequence[Target], more: Check | None) -> "VideosCheck":
        """The check for these videos, whose paths are absolute."""
        places = []
        for target in targets:
            source = target.source
            places += [source.onset, source.apex] if isinstance(source, StillPair) else [source]
        return cls(paths_check(places), more)

    def __call__(self) -> None:
        """Raise a `DataError` for the first video that is missing, or what ``more`` raises."""
        self.paths()
        if self.more is not None:
            self.more()


def attempted(
    process: Callable[[Target], VideoFiles], target: Target
) -> VideoFiles | InputError | FaceError | NumericalError:
    """What a video gave, or why it cannot be used."""
    try:
        return process(target)
    except OF_ONE_VIDEO as error:
        return error


def absolute(target: Target) -> Target:
    """The same video for a machine whose processes work in other folders."""
    source = target.source
    if isinstance(source, StillPair):
        pair = StillPair(onset=source.onset.absolute(), apex=source.apex.absolute())
        return replace(target, source=pair)
    return replace(target, source=source.absolute())


def named_as(error: HmrmError, there: Target, here: Target) -> HmrmError:
    """An error of `absolute`'s target with the path that the user gave."""
    if isinstance(there.source, StillPair) or there.source == here.source:
        return error
    return type(error)(str(error).replace(str(there.source), str(here.source)))
