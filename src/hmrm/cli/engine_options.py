"""Options of the commands whose work can be divided: processes, a cluster, parts of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import ERR, OUT
from hmrm.errors import ConfigError
from hmrm.shard import Shard, parse_shard

if TYPE_CHECKING:
    from hmrm.engine.contract import Engine

Workers = Annotated[int, typer.Option(min=1, help="Processes, one thread each.")]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="local|tcp://HOST:PORT",
        help="Where to compute: processes here, or the workers of a running Dask scheduler "
        "(needs the extra cluster; docs/cluster.md).",
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Compute part I of N alone, in OUTPUT.shards/, as array jobs do; the same command "
        "without it joins the parts and computes what is missing.",
        show_default=False,
    ),
]


def shard_of(text: str | None, *, engine: str) -> Shard | None:
    """The part that ``--shard`` names, if any.

    Raises:
        ConfigError: it names none, or a cluster is asked for, too.
    """
    if text is not None and engine != "local":
        raise ConfigError("give --shard or --engine: a scheduler divides the work itself")
    return None if text is None else parse_shard(text)


def print_shard(shard: Shard, output: Path, done: str) -> None:
    """Say what of a run is there now, and how it is joined."""
    OUT.print(
        f"part {shard.number} of {shard.of}: {done} in {shard.folder(output)}; when all parts are "
        "through, give the same command without --shard to join them"
    )


@contextmanager
def opened_engine(name: str, *, workers: int) -> "Iterator[Engine]":
    """`hmrm.engine.opening.opened`, and print who computes."""
    from hmrm.engine.opening import opened

    with opened(name, workers=workers) as engine:
        if engine.name:
            ERR.print(engine.name)
        yield engine
