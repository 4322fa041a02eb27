"""The addresses of a server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stepwell.deploy.body import read_body
from stepwell.deploy.calls import Call, Refused, Wants
from stepwell.deploy.card import Card
from stepwell.deploy.hub import Gone, Hub
from stepwell.deploy.metrics import CONTENT_TYPE
from stepwell.deploy.page.build import page, policy
from stepwell.deploy.protocols import oip
from stepwell.deploy.protocols.bodies import decode
from stepwell.deploy.protocols.encode import encode, wants_of
from stepwell.deploy.protocols.openapi import document

_LARGE = 2**18  # bytes from which a body is decoded on a thread, so that others need not wait
_NOBODY = 499  # the client has gone; nobody reads this

Handler = Callable[[Request], Awaitable[Response]]


def make_app(hub: Hub) -> Starlette:
    """The application of a hub: the page, predictions and explanations, the Open Inference Protocol, metrics, OpenAPI."""
    return Starlette(
        routes=[
            Route("/predict", _predicting(hub, "answers"), methods=["POST"]),
            Route("/predict/{model}", _predicting(hub, "answers"), methods=["POST"]),
            Route("/explain", _predicting(hub, "explanation"), methods=["POST"]),
            Route("/explain/{model}", _predicting(hub, "explanation"), methods=["POST"]),
            *oip.routes(hub),
            *_reading(hub),
        ],
        exception_handlers={Refused: _refused, Gone: _gone, 404: _unknown, 405: _unknown, 500: _failed},  # type: ignore[dict-item]
    )


def _reading(hub: Hub) -> list[Route]:
    """What can be read: the page, the models, their examples, metrics, the document of it all."""

    async def root(request: Request) -> Response:
        return Response(page(list(hub.cards.values())), media_type="text/html", headers=policy())

    async def models(request: Request) -> Response:
        hub.card()
        return JSONResponse([card.to_json() for card in hub.cards.values()])

    async def model(request: Request) -> Response:
        return JSONResponse(hub.card(request.path_params["model"]).to_json())

    async def example(request: Request) -> Response:
        kind, body = hub.example(request.path_params["model"], request.path_params["number"])
        return Response(body, media_type=kind)

    async def metrics(request: Request) -> Response:
        return Response(hub.metrics(), media_type=CONTENT_TYPE)

    async def openapi(request: Request) -> Response:
        return JSONResponse(document(list(hub.cards.values())))

    addresses: dict[str, Handler] = {
        "/": root,
        "/models": models,
        "/models/{model}": model,
        "/models/{model}/examples/{number:int}": example,
        "/metrics": metrics,
        "/openapi.json": openapi,
    }
    return [Route(path, handler) for path, handler in addresses.items()]


def _predicting(hub: Hub, wants: Wants) -> Handler:
    field = "explanation" if wants == "explanation" else "answers"

    async def predict(request: Request) -> Response:
        name = request.path_params.get("model")
        request.state.model = name or ""
        card = hub.card(name)
        request.state.model = card.name
        call = await _call(hub, card, request, wants)
        reply = await hub.ask(call, request.receive)
        content, media_type = encode(card, reply, request.headers.get("accept", ""), field=field)
        hub.meter.answered(card.name, 200)
        headers = {"X-Batch": str(reply.batch), "X-Compute-Ms": f"{1000 * reply.computed:.2f}"}
        return Response(content, media_type=media_type, headers=headers)

    async def counted(request: Request) -> Response:
        try:
            return await predict(request)
        except Refused as refused:
            hub.meter.answered(request.state.model if request.state.model in hub.cards else "", refused.status)
            raise

    return counted


async def _call(hub: Hub, card: Card, request: Request, wants: Wants) -> Call:
    headers = request.headers
    body = await read_body(request, hub.limit)
    kind = headers.get("content-type", "")
    if len(body) > _LARGE and "json" in kind:
        payload = await asyncio.to_thread(decode, card, kind, body)
    else:
        payload = decode(card, kind, body)
    wanted = wants if wants == "explanation" else wants_of(headers.get("accept", ""))
    return Call(card.name, payload, wanted, deadline(headers.get("x-timeout-ms")), _client(request))


def deadline(given: str | None) -> float | None:
    """The time of the event loop at which a client that gives a timeout in milliseconds stops waiting. Raises `Refused` (400)."""
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Refused(400, f"X-Timeout-Ms is {given[:40]!r}; a whole number of milliseconds is due.")
    return asyncio.get_running_loop().time() + int(given) / 1000


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


async def _refused(request: Request, error: Refused) -> Response:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    if error.status in (503, 413):
        headers["Connection"] = "close"
    return JSONResponse({"error": str(error)}, error.status, headers)


async def _gone(request: Request, error: Gone) -> Response:
    return Response(status_code=_NOBODY)


async def _unknown(request: Request, error: Any) -> Response:
    known = "/, /predict, /explain, /models, /v2, /metrics and /openapi.json"
    if error.status_code == 405:
        text = f"{request.method} is not for {request.url.path}: predictions are POSTed, the rest is read by GET."
    else:
        text = f"There is nothing at {request.url.path[:200]}; there is {known}."
    return JSONResponse({"error": text}, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"The server failed: {type(error).__name__}. Its log says more."}, 500)


def dumped(plain: Any) -> bytes:
    """Plain data as JSON."""
    return json.dumps(plain, allow_nan=False).encode()
