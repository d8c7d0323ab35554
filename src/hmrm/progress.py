"""How long work reports that it continues: a callback, so that no stage knows about terminals.

And how long it still takes, by its pace over the last seconds.
"""

from collections import deque
from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called after each step with the stage's name, steps done, and steps in all (None: unknown)."""


def silent(stage: str, done: int, total: int | None) -> None:
    """The progress of callers who do not want any."""
    del stage, done, total


class Pace:
    """How fast steps were done over the last seconds: the first ones, and any pause, are forgotten.

    Example:
        >>> pace = Pace()
        >>> for second in range(9):
        ...     pace.add(float(second), 10 * second)
        >>> pace.left_s(8.0, total=100)
        2.0

    Args:
        window_s: steps older than this do not count, unless they are the last two.
        least_s: there is no estimate before so much was seen.
    """

    def __init__(self, window_s: float = 20.0, least_s: float = 5.0) -> None:
        self._window_s, self._least_s = window_s, least_s
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, done: int) -> None:
        """Note that ``done`` steps were done at a time; fewer than before start a new count."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        if not self._seen or done > self._seen[-1][1]:
            self._seen.append((now_s, done))
        while len(self._seen) > 2 and self._seen[1][0] < now_s - self._window_s:
            self._seen.popleft()

    def left_s(self, now_s: float, total: int | None) -> float | None:
        """Seconds until all steps are done; None while that is unknown."""
        if total is None or len(self._seen) < 2:
            return None
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        if last_s - first_s < self._least_s:
            return None
        step_s = (last_s - first_s) / (last - first)
        since_s = now_s - last_s
        if since_s > step_s:  # it has become slower, or stands
            step_s = (now_s - first_s) / (last - first + 1)
        return max((total - last) * step_s - since_s, 0.0)


def duration_text(seconds: float) -> str:
    """A time still to go, no finer than can be believed.

    Example:
        >>> [duration_text(value) for value in (40, 100, 2000, 9000)]
        ['less than a minute', 'about 2 min', 'about 33 min', 'about 2.5 h']
    """
    if seconds < 50:
        return "less than a minute"
    if seconds < 99.5 * 60:
        return f"about {max(seconds / 60, 1):.0f} min"
    return f"about {seconds / 3600:.1f} h"
