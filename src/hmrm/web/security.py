"""What every request and every websocket must be before anything looks at it."""

import ipaddress
import secrets
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hmrm.web.settings import LOOPBACK, ServeConfig

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; manifest-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    # Faces must not outlive their job in a browser's cache on the disk.
    "Cache-Control": "no-store",
}

COOKIE = "hmrm_token"


class Guard:
    """ASGI middleware: host, origin and token are checked, headers are added.

    A page of another site can make a browser send requests here. It cannot choose the Host that
    the browser states (a name that was pointed at this machine is not among ours), it cannot hide
    its Origin, and it does not have the token.
    """

    def __init__(self, app: ASGIApp, config: ServeConfig) -> None:
        self._app, self._config = app, config
        self._names = {*LOOPBACK} if config.is_loopback else {config.host, socket.gethostname()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        elif self._brings_token(scope):
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(COOKIE, self._config.token, httponly=True, samesite="strict")
            await response(scope, receive, _with_headers(send))
        else:
            status, text = refusal
            await PlainTextResponse(text, status)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Status and reason; None where the request may pass."""
        if not self._is_own(headers.getlist("host")):
            return 421, f"host {headers.get('host', '')[:80]!r} is not this server's name"
        origins = headers.getlist("origin")
        if any(not _is_same(origin, headers["host"]) for origin in origins):
            return 403, "requests of other sites are not answered"
        if scope["type"] == "websocket" and not origins:
            return 403, "a websocket must state its origin"
        site = headers.get("sec-fetch-site", "none")
        if scope["path"] != "/" and site not in ("none", "same-origin"):
            return 403, "requests of other sites are not answered"
        if self._config.token and not self._has_token(headers):
            return 401, "open the address with the token that hmrm serve printed"
        return None

    def _is_own(self, hosts: Iterable[str]) -> bool:
        hosts = list(hosts)
        if len(hosts) != 1:
            return False
        try:
            name = urlsplit(f"//{hosts[0]}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        # An address cannot be pointed at another machine, as a name can.
        return not self._config.is_loopback and _is_address(name)

    def _has_token(self, headers: Headers) -> bool:
        found = headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not found:
            try:
                cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
            except CookieError:
                return False
            found = cookie.value if cookie is not None else ""
        return self._is_token(found)

    def _brings_token(self, scope: Scope) -> bool:
        """Whether this is the page's address with the token, as it was printed."""
        headers = Headers(scope=scope)
        if scope["path"] != "/" or not self._is_own(headers.getlist("host")):
            return False
        given = parse_qs(scope["query_string"].decode("ascii", "replace")).get("token", [""])
        return self._is_token(given[0])

    def _is_token(self, text: str) -> bool:
        token = self._config.token
        return bool(token) and secrets.compare_digest(text.encode(), token.encode())


def _is_same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
