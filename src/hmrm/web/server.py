"""Runs one server on one data folder."""

import dataclasses
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from hmrm.errors import InputError
from hmrm.file_lock import lock
from hmrm.web import live
from hmrm.web.app import create_app
from hmrm.web.settings import ServeConfig


def run(config: ServeConfig, *, token: str, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        token: what requests must carry; "" for none, on loopback addresses only.
        announce: gets the address to open, once the server listens.

    Raises:
        InputError: the address cannot be listened on, or another server uses the data folder.
        DataError, OutputError: the data folder cannot be used.
    """
    assert token or config.is_loopback, "an open address needs a token"
    config = dataclasses.replace(config, token=token)
    app = create_app(config)
    with _alone(config.data), _listening(config) as listener:
        port = listener.getsockname()[1]
        announce(f"open {_address(config, port)}")
        announce(f"data in {config.data}; end with Ctrl-C")
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            proxy_headers=False,
            ws="wsproto",
            ws_max_size=2 * live.MOST_BYTES,
        )
        # Ctrl-C is how a server ends; uvicorn passes it on when it has shut down.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def _address(config: ServeConfig, port: int) -> str:
    host = config.host
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}/" + (f"?token={config.token}" if config.token else "")


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Two servers on one folder would take each other's workers for dead."""
    with (data / "lock").open("w") as file:
        try:
            lock(file, wait=False)
        except OSError as error:
            raise InputError(
                f"{data}: another hmrm serve uses it; end that, or give another --data"
            ) from error
        yield


@contextmanager
def _listening(config: ServeConfig) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if _is_ipv6(config.host) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((config.host, config.port))
            listener.listen(128)
        except OSError as error:
            raise InputError(
                f"{config.host}:{config.port}: cannot be listened on "
                f"({error.strerror or error}); give another --port or --host"
            ) from error
        yield listener


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
