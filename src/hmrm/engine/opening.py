"""An engine by the name that a command line gives."""

from collections.abc import Iterator
from contextlib import contextmanager

from hmrm.engine.contract import Engine
from hmrm.engine.local import LocalEngine
from hmrm.errors import ConfigError

LOCAL = "local"


@contextmanager
def opened(name: str, *, workers: int = 1) -> Iterator[Engine]:
    """The engine called so, for a block.

    Args:
        name: ``local``, or ``tcp://HOST:PORT`` of a Dask scheduler.
        workers: processes of the local one.

    Raises:
        ConfigError: neither, or ``workers`` for a scheduler, which has its own.
        EngineError: no scheduler answers there.
        MissingExtraError: Dask is not installed.
    """
    if name == LOCAL:
        yield LocalEngine(workers)
        return
    if not name.startswith("tcp://"):
        raise ConfigError(f"engine {name!r}: give local, or tcp://HOST:PORT of a Dask scheduler")
    if workers != 1:
        raise ConfigError("--workers is for --engine local; a cluster has the workers it has")
    from hmrm.engine.cluster import cluster

    with cluster(name) as found:
        yield found
