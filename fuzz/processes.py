"""What a process takes, as Linux reports it."""

import os
from pathlib import Path

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(process: int) -> float:
    """Processor time of a process so far, s."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    # The name, in brackets, may hold blanks and brackets itself.
    user, system = text.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def resident_kb(process: int) -> int:
    """Memory of a process that is in use now; 0 when it has ended."""
    text = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * _PAGE_KB


def forget_peak() -> None:
    """Let the kernel measure this process's largest memory (``VmHWM``) from here on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def status_kb(name: str) -> int:
    """A figure of this process: ``VmRSS`` (memory in use), ``VmHWM`` (its peak), ``VmSize``."""
    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    for line in text.split("\n"):
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {name}; the harness needs Linux")
