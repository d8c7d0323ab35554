"""hmrm serve: a page in the browser where events are reviewed."""

from pathlib import Path
from typing import Annotated

import typer

from hmrm.cli.terminal import OUT


def serve(
    data: Annotated[
        Path, typer.Option(help="Folder of uploads, results and edits; made where it is not.")
    ] = Path("hmrm-serve"),
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; any but this machine's own needs the token."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8321,
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Videos analysed at once; 0 only reviews.")
    ] = 1,
    retention_days: Annotated[
        float | None,
        typer.Option(
            min=0, help="Delete everything of a job so long after it ended.", show_default=False
        ),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Weights that give the classes: shipped name, path, or none.")
    ] = "hmrm-synthetic",
    require_token: Annotated[
        bool, typer.Option(help="Ask for a token on this machine, too: others use it as well.")
    ] = False,
) -> None:
    """Review events in the browser, to the frame; nothing leaves this machine.

    Example: hmrm serve

    Open the address that is printed. Videos are uploaded, or opened where they lie; what is found
    is accepted, rejected, relabelled, moved and commented on, and every export carries that.
    See docs/serve.md.
    """
    from hmrm.web.server import run
    from hmrm.web.settings import ServeConfig, new_token

    config = ServeConfig(
        data=data,
        host=host,
        port=port,
        workers=workers,
        retention_days=retention_days,
        weights=None if weights == "none" else weights,
    )
    token = new_token() if require_token or not config.is_loopback else ""
    run(config, token=token, announce=OUT.print)
