"""README, CONTRIBUTING and every page of docs: their code blocks, commands and links."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A line that a page shows as one to be typed; ``in_block``: in a block of its own."""

    page: str
    line: str
    in_block: bool


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each code block."""
    return _BLOCK.findall(text_of(page))


def commands(page: Path) -> list[Command]:
    """Every line of a shell block, and every ``hmrm`` with arguments in the running text."""
    name, shown = name_of(page), []
    for kind, text in blocks(page):
        if kind in ("sh", "text", "powershell", ""):
            lines = [line.split(" #")[0].strip() for line in text.splitlines()]
            wanted = [line for line in lines if line and (kind == "sh" or line.startswith("hmrm "))]
            shown += [Command(page=name, line=line, in_block=kind == "sh") for line in wanted]
    prose = _BLOCK.sub("", text_of(page))
    for line in re.findall(r"`(hmrm [a-z][^`\n]*)`", prose):
        shown.append(Command(page=name, line=line, in_block=False))
    return shown
