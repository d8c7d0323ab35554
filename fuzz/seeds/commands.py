"""Commands that make seeds: a seed that cannot be made is a fault of the harness."""

from fuzz.program import run


def succeed(*words: str) -> None:
    """Run a command that must end well.

    Raises:
        RuntimeError: it did not.
    """
    ending = run(words)
    if ending.exit_code != 0:
        raise RuntimeError(f"hmrm {' '.join(words)}: {ending.printed}{ending.report}")
