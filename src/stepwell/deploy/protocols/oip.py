"""`/v2`: the Open Inference Protocol over HTTP, with tensors in JSON or as bytes behind it.

Source: https://github.com/open-inference/open-inference-protocol and its extensions `binary_tensor_data` and `classification`.
"""

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from stepwell.deploy.body import read_body
from stepwell.deploy.calls import Call, Refused, Reply
from stepwell.deploy.card import Card
from stepwell.deploy.hub import Hub
from stepwell.deploy.protocols.aside import LARGE, aside
from stepwell.deploy.protocols.checks import listed
from stepwell.deploy.protocols.encode import fared
from stepwell.deploy.protocols.json_body import json_bytes
from stepwell.deploy.protocols.oip_reply import check_outputs, has_labels, label_described, write_reply
from stepwell.deploy.protocols.oip_request import Wanted, read_inference
from stepwell.deploy.protocols.packing import packed
from stepwell.deploy.protocols.tensors import described

HEADER = "Inference-Header-Content-Length"
"""How long the JSON is where bytes follow it."""

_EXTENSIONS = ["binary_tensor_data", "classification"]
_JSON, _BYTES = "application/json", "application/octet-stream"

Handler = Callable[[Request], Awaitable[Response]]
Verb = Callable[[Hub, Request], Awaitable[Response]]


def routes(hub: Hub) -> list[BaseRoute]:
    """The routes of the protocol. They raise `Refused`, and `Gone`, which the application answers."""
    found: list[BaseRoute] = [
        Route("/v2", _of(hub, _server)),
        Route("/v2/health/live", _of(hub, _live)),
        Route("/v2/health/ready", _of(hub, _ready)),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        found.append(Route(path, _of(hub, _model)))
        found.append(Route(f"{path}/ready", _of(hub, _model_ready)))
        found.append(Route(f"{path}/infer", _of(hub, _counted), methods=["POST"]))
    return found


def _of(hub: Hub, verb: Verb) -> Handler:
    """A verb for the models of a server."""

    async def handler(request: Request) -> Response:
        return await verb(hub, request)

    return handler


async def _live(hub: Hub, request: Request) -> Response:
    return _json({"live": True})


async def _ready(hub: Hub, request: Request) -> Response:
    return _json({"ready": hub.ready}, 200 if hub.ready else 503)


async def _server(hub: Hub, request: Request) -> Response:
    return _json({"name": "stepwell", "version": version("stepwell"), "extensions": _EXTENSIONS})


async def _model(hub: Hub, request: Request) -> Response:
    card = _card(hub, request)
    outputs = [described(output) for output in card.outputs]
    return _json(
        {
            "name": card.name,
            "versions": [card.version] if card.version else [],
            "platform": "stepwell_pytorch",
            "inputs": [described(want) for want in card.inputs],
            "outputs": [*outputs, label_described()] if has_labels(card) else outputs,
        }
    )


async def _model_ready(hub: Hub, request: Request) -> Response:
    card = _card(hub, request)
    return _json({"name": card.name, "ready": hub.ready}, 200 if hub.ready else 503)


async def _counted(hub: Hub, request: Request) -> Response:
    """An inference, in the metrics under its model and status."""
    card = _card(hub, request)
    try:
        response = await _infer(hub, card, request)
    except Refused as error:
        hub.meter.answered(card.name, error.status)
        raise
    hub.meter.answered(card.name, 200)
    return response


async def _infer(hub: Hub, card: Card, request: Request) -> Response:
    arrived = get_running_loop().time()
    body = await read_body(request, hub.intake)
    inference = await aside(len(body) > LARGE, read_inference, card, body, request.headers.get(HEADER))
    wanted = check_outputs(card, inference)
    deadline = None if inference.timeout is None else arrived + inference.timeout
    client = request.client.host if request.client else ""
    reply = await hub.ask(Call(card.name, inference.rows, "arrays", deadline, client), request.receive)
    size = sum(array.nbytes for array in reply.arrays.values())
    accept = request.headers.get("accept-encoding", "")
    return await aside(size > LARGE, _response, card, inference.id, wanted, reply, accept)


def _response(card: Card, id: str | None, wanted: tuple[Wanted, ...], reply: Reply, accept: str) -> Response:
    """The answer; `accept` is the client's `Accept-Encoding`."""
    body, head = write_reply(card, id, wanted, reply.arrays)
    headers = fared(reply)
    if head is not None:
        headers[HEADER] = str(head)
    body, encoding = packed(body, accept)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, 200, headers, _JSON if head is None else _BYTES)


def _card(hub: Hub, request: Request) -> Card:
    """The model that an address names. Raises `Refused` (404)."""
    card = hub.card(request.path_params["name"])
    asked = request.path_params.get("version", card.version)
    if asked != card.version:
        has = f"its version is {card.version!r}" if card.version else "it has no versions"
        raise Refused(
            404, f"The model {card.name} has no version {listed([asked])}; {has}. Leave `/versions/…` out for that."
        )
    return card


def _json(plain: Any, status: int = 200) -> Response:
    return Response(json_bytes(plain), status, media_type=_JSON)
