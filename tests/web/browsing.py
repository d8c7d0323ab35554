"""Visits to pages of ``hmrm serve`` by a real browser, and the server as its own process."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

SCREENS = {
    "wide": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}


@dataclass
class Server:
    """``hmrm serve`` in a process of its own."""

    data: Path
    process: "subprocess.Popen[str]"
    address: str

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True, check=False,
        ).stdout.splitlines()  # fmt: skip
        return [int(line.split()[0]) for line in listed if "hmrm.web.worker" in line]


@contextmanager
def server(data: Path, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "hmrm", "serve", "--data", str(data), "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "the server printed no address"
        process.stdout.readline()
        try:
            yield Server(data, process, found[0].rstrip("/"))
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(20)


@dataclass
class Visit:
    """A page that is open, what it reported and which addresses it asked for."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def visiting(
    browser: Any, address: str, screen: str = "wide", coder: str = "Ada"
) -> Iterator[Visit]:
    context = browser.new_context(**SCREENS[screen])
    context.add_init_script(f"localStorage.setItem('hmrm coder', '{coder}')")
    visit = Visit(context.new_page())
    visit.page.on("console", lambda message: visit.messages.append(message.text))
    visit.page.on("pageerror", lambda error: visit.messages.append(str(error)))
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.on("dialog", lambda dialog: dialog.accept())
    visit.page.goto(address)
    yield visit
    context.close()


def until(condition: Any, timeout_s: float = 60.0) -> Any:
    """What ``condition`` gives as soon as it gives something."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {timeout_s:g} s")


def faults(page: Any) -> list[str]:
    """Serious and critical faults by axe."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:150]} {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
