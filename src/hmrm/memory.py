"""Memory that was freed, given back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Give back what was freed, where the allocator keeps it for later (the GNU C library).

    After a step that needed many large arrays: the next one would add its own to what lies idle.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(ctypes.c_size_t(0))
