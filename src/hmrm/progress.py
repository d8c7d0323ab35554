"""How long work reports that it continues: a callback, so that no stage knows about terminals."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called after each step with the stage's name, steps done, and steps in all (None: unknown)."""


def silent(stage: str, done: int, total: int | None) -> None:
    """The progress of callers who do not want any."""
    del stage, done, total
