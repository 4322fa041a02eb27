"""The addresses of a server."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from stepwell.deploy.calls import Refused
from stepwell.deploy.hub import Gone, Hub
from stepwell.deploy.metrics import CONTENT_TYPE
from stepwell.deploy.page.build import page, policy
from stepwell.deploy.predicting import Predicting, not_for, refusal_headers
from stepwell.deploy.protocols import oip
from stepwell.deploy.protocols.json_body import error_bytes
from stepwell.deploy.protocols.openapi import document

_NOBODY = 499  # the client has gone; nobody reads this

Handler = Callable[[Request], Awaitable[Response]]


def make_app(hub: Hub) -> ASGIApp:
    """The application of a hub: the page, predictions and explanations, the Open Inference Protocol, metrics, OpenAPI."""
    rest = Starlette(
        routes=[*oip.routes(hub), *_reading(hub)],
        exception_handlers={Refused: _refused, Gone: _gone, 404: _unknown, 405: _unknown, 500: _failed},  # type: ignore[dict-item]
    )
    return Predicting(hub, rest)


def _reading(hub: Hub) -> list[Route]:
    """What can be read: the page, the models, their examples, metrics, the document of it all."""

    async def root(request: Request) -> Response:
        return Response(page(), media_type="text/html", headers=policy())

    async def models(request: Request) -> Response:
        hub.card()
        return JSONResponse([card.to_json() for card in hub.cards.values()])

    async def model(request: Request) -> Response:
        return JSONResponse(hub.card(request.path_params["model"]).to_json())

    async def example(request: Request) -> Response:
        kind, body = hub.example(request.path_params["model"], _number(request.path_params["number"]))
        return Response(body, media_type=kind)

    async def metrics(request: Request) -> Response:
        return Response(hub.metrics(), media_type=CONTENT_TYPE)

    async def openapi(request: Request) -> Response:
        return JSONResponse(document(list(hub.cards.values())))

    addresses: dict[str, Handler] = {
        "/": root,
        "/models": models,
        "/models/{model}": model,
        "/models/{model}/examples/{number}": example,
        "/metrics": metrics,
        "/openapi.json": openapi,
    }
    return [Route(path, handler) for path, handler in addresses.items()]


def _number(given: str) -> int:
    """The number of an example. Raises `Refused` (404) for what numbers none, be it only too long."""
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Refused(404, f"There is no example {given[:20]!r}; they are numbered from 0.")
    return int(given)


async def _refused(request: Request, error: Refused) -> Response:
    return _error(str(error), error.status, refusal_headers(error))


def _error(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(error_bytes(text), status, headers, "application/json")


async def _gone(request: Request, error: Gone) -> Response:
    return Response(status_code=_NOBODY)


async def _unknown(request: Request, error: Any) -> Response:
    known = "/, /predict, /explain, /models, /v2, /v2/health/ready, /metrics and /openapi.json"
    if error.status_code == 405:
        text = not_for(request.method, request.url.path)
    else:
        text = f"There is nothing at {request.url.path[:200]}; there is {known}."
    return _error(text, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    return _error(f"The server failed: {type(error).__name__}. Its log says more.", 500)
