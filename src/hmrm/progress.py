"""How long work tells that it goes on: a callback, so that no stage knows about terminals."""

from typing import Protocol


class Progress(Protocol):
    """Called by long work after each step; the command line draws a bar with it."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Say that ``done`` of ``total`` steps (None: unknown) of ``stage`` are finished."""


def silent(stage: str, done: int, total: int | None) -> None:
    """The progress of callers who do not want any."""
    del stage, done, total
