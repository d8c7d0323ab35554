"""The site of the docs: links to files elsewhere in the repository, and no page without a place.

Readers of the files on disk and readers of the site follow the same links: what a page links to
outside of ``docs`` is copied to ``files/`` of the site, Markdown as a page, all else as it is.
A link to a file that is not there stops the build.
"""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HOME = "files"

COMMANDS = "commands.md"

_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def on_config(config: Any) -> Any:
    """Put pages that the navigation does not name below "More", so that none is ever missing."""
    named = re.findall(r"[\w/]+\.md", str(config.nav))
    pages = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    more = [page for page in pages if page not in named]
    if more:
        config.nav.append({"More": more})
    return config


def on_files(files: Files, *, config: Any) -> Files:
    """Add what pages link to outside of ``docs``, and what those link to in turn."""
    todo = [DOCS / file.src_uri for file in files.documentation_pages()]
    known: set[Path] = set()
    files.append(File.generated(config, COMMANDS, content=commands_page()))
    while todo:
        page = todo.pop()
        for target in sorted(_outside(page) - known):
            known.add(target)
            name = f"{HOME}/{target.relative_to(ROOT).as_posix()}"
            content = target.read_bytes()
            files.append(File.generated(config, name, content=content))
            if target.suffix == ".md":
                todo.append(target)
    return files


def commands_page() -> str:
    """The help of every command, as the command line prints it."""
    os.environ["COLUMNS"] = "88"
    import typer

    from hmrm.cli.main import app

    parts = ["# Commands", "What `hmrm COMMAND --help` prints."]
    todo: list[tuple[str, Any, Any]] = [("hmrm", typer.main.get_command(app), None)]
    while todo:
        name, command, parent = todo.pop(0)
        context = command.make_context(
            name.rsplit(" ", 1)[-1], [], parent=parent, resilient_parsing=True
        )
        parts += [f"## {name}", f"```text\n{command.get_help(context)}\n```"]
        inside = getattr(command, "commands", {})
        todo += [(f"{name} {n}", c, context) for n, c in inside.items() if not c.hidden]
    return "\n\n".join(parts) + "\n"


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Point such links to the copies."""
    return _rewritten(markdown, page.file.src_uri)


def _outside(page: Path) -> set[Path]:
    """Files outside of ``docs`` to which a page links."""
    targets = (page.parent / m[2] for m in _LINK.finditer(page.read_text(encoding="utf-8")))
    found = {target.resolve() for target in targets if "//" not in str(target)}
    return {t for t in found if t.is_file() and t.is_relative_to(ROOT) and not _in_docs(t)}


def _in_docs(path: Path) -> bool:
    return path.is_relative_to(DOCS)


def _rewritten(markdown: str, uri: str) -> str:
    copied = uri.startswith(f"{HOME}/")
    source = ROOT / uri.removeprefix(f"{HOME}/") if copied else DOCS / uri
    here = PurePosixPath(uri).parent

    def link(match: re.Match[str]) -> str:
        if ":" in match[2]:
            return match[0]
        target = (source.parent / match[2]).resolve()
        if not target.is_relative_to(ROOT) or (_in_docs(target) and not copied):
            return match[0]
        base = DOCS if _in_docs(target) else ROOT
        name = target.relative_to(base).as_posix()
        name = name if base == DOCS else f"{HOME}/{name}"
        up = "/".join([".."] * len(here.parts))
        return f"{match[1]}{up + '/' if up else ''}{name}{match[3] or ''}{match[4]}"

    return _LINK.sub(link, markdown)
