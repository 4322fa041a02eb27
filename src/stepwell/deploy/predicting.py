"""`/predict` and `/explain`, where nearly all requests go: in plain ASGI, since a framework costs more than all the rest."""

import logging
from asyncio import get_running_loop
from collections.abc import Mapping
from math import ceil

from starlette.types import ASGIApp, Receive, Scope, Send

from stepwell.deploy.body import body_of
from stepwell.deploy.calls import Call, Refused, Wants
from stepwell.deploy.hub import Gone, Hub
from stepwell.deploy.protocols.aside import aside
from stepwell.deploy.protocols.bodies import decode, takes_long
from stepwell.deploy.protocols.encode import encode, fared, wants_of
from stepwell.deploy.protocols.json_body import error_bytes

log = logging.getLogger("stepwell.deploy")

_VERBS: Mapping[str, Wants] = {"predict": "answers", "explain": "explanation"}


class Predicting:
    """An ASGI application before another: it answers `/predict`, `/predict/NAME` and `/explain…`, to which one POSTs, and passes
    the rest on.
    """

    def __init__(self, hub: Hub, rest: ASGIApp) -> None:
        self._hub, self._rest = hub, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        verb, name = _address(scope)
        if verb is None:
            await self._rest(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        client = scope.get("client")
        try:
            if scope["method"] != "POST":
                raise Refused(405, not_for(scope["method"], scope["path"]))
            content = await self._answer(verb, name, headers, client[0] if client else "", receive)
        except Refused as refused:
            self._hub.meter.answered(name if name and name in self._hub.cards else "", refused.status)
            told = error_bytes(str(refused))
            await respond(send, refused.status, told, "application/json", refusal_headers(refused))
        except Gone:
            return
        except Exception as error:  # a bug; the client is told so, and the connection lives on
            log.exception("a request failed")
            text = f"The server failed: {type(error).__name__}. Its log says more."
            await respond(send, 500, error_bytes(text), "application/json", {})
        else:
            await respond(send, 200, *content)

    async def _answer(
        self, verb: str, name: str | None, headers: Mapping[str, str], client: str, receive: Receive
    ) -> tuple[bytes, str, dict[str, str]]:
        hub, wants = self._hub, _VERBS[verb]
        card = hub.card(name)
        accept, kind = headers.get("accept", ""), headers.get("content-type", "")
        until = deadline(headers.get("x-timeout-ms"))  # from now on: a client's time runs while it sends
        body = await body_of(headers, receive, hub.intake)
        payload = await aside(takes_long(kind, body), decode, card, kind, body)
        wanted = wants if wants == "explanation" else wants_of(accept)
        call = Call(card.name, payload, wanted, until, client)
        reply = await hub.ask(call, receive)
        body, kind = encode(card, reply, accept, field="explanation" if wants == "explanation" else "answers")
        hub.meter.answered(card.name, 200)
        return body, kind, fared(reply)


def _address(scope: Scope) -> tuple[str | None, str | None]:
    """The verb and the model of a request; no verb for what is answered elsewhere."""
    if scope["type"] != "http":
        return None, None
    verb, _, name = scope["path"][1:].partition("/")
    return (verb, name or None) if verb in _VERBS else (None, None)


def not_for(method: str, path: str) -> str:
    """What to say of an address that is asked in another way than it answers."""
    return f"{method[:20]} is not for {path[:200]}: predictions are POSTed, the rest is read by GET."


def deadline(given: str | None) -> float | None:
    """The time of the event loop at which a client that gives a timeout in milliseconds stops waiting. Raises `Refused` (400)."""
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Refused(400, f"X-Timeout-Ms is {given[:40]!r}; a whole number of milliseconds is due.")
    return get_running_loop().time() + int(given) / 1000


def refusal_headers(error: Refused) -> dict[str, str]:
    """When to come again, what is allowed, and whether the connection is closed: what is left of a body that is too large or too
    slow is not read.
    """
    headers = {"Connection": "close"} if error.status in (408, 413) else {}
    if error.status == 405:
        headers["Allow"] = "POST"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    return headers


async def respond(send: Send, status: int, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
    """Send a whole response."""
    told = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
    pairs = [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
