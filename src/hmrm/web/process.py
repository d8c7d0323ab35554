"""What every process that decodes other people's videos is held to."""

import contextlib
import os
import threading
import time
from collections.abc import Callable

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def limit_process(memory_bytes: int) -> None:
    """Hold this process to so much address space; a crash leaves no image of its memory.

    Where the system has no such limits, nothing is limited.
    """
    if resource is None:
        return
    for kind, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # A system that does not know a limit leaves the others in force.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (lowest, lowest))


def every_second(check: Callable[[], None], *, parent: int) -> None:
    """Call ``check`` once a second for as long as the process lives, and end with the parent.

    A killed server cannot end its workers; they notice that their parent has changed.

    Args:
        parent: process id of the server.
    """

    def run() -> None:
        while True:
            time.sleep(1.0)
            if os.getppid() != parent:
                os._exit(1)
            check()

    threading.Thread(target=run, daemon=True).start()
