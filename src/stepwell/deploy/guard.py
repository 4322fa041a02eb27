"""Who may ask a server: those with its token, by a name that is its own."""

import hmac
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from stepwell.deploy.predicting import respond
from stepwell.deploy.protocols.json_body import json_bytes

LOCAL = ("localhost", "127.0.0.1", "[::1]")
_OPEN = ("/", "/v2/health/live", "/v2/health/ready")  # a page without data, and what a balancer asks


class Guard:
    """An ASGI application before another, which refuses requests without the `token` (401), and such as come by another host name
    than `hosts` (421), as those of a page elsewhere whose name was pointed here. Empty ones ask for nothing.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)
        self._expected = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "http" and (refused := self._refused(scope)):
            status, why = refused
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
            await respond(send, status, json_bytes({"error": why}), "application/json", headers)
            return
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        before, _, port = host.rpartition(":")
        name = before if port.isdecimal() else host
        if self._hosts and name.lower() not in self._hosts:
            return 421, f"This server is {' or '.join(sorted(self._hosts))}, not {name[:80]!r}. Ask it by that name."
        if not self._expected or scope["path"] in _OPEN:
            return None
        given = headers.get(b"authorization", b"")
        if hmac.compare_digest(given, self._expected):
            return None
        return (
            401,
            "This server wants its token: Authorization: Bearer TOKEN. It was printed where the server was started.",
        )
