"""`document`: what a server offers, as OpenAPI 3.1, with the shapes and classes of its models."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from stepwell.deploy.card import Card
from stepwell.deploy.protocols import schemas
from stepwell.deploy.protocols.tensors import BYTES, DATATYPES

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("Broken", "The body is not what its content type says, or cut off."),
    401: ("NoToken", "The server wants a token."),
    404: ("NotFound", "There is no such model, version or example."),
    406: ("NotAcceptable", "The answer cannot be given as the Accept header asks."),
    413: ("TooLarge", "The body, or the answer, is larger than the server allows."),
    415: ("UnknownType", "The model does not take this content type."),
    422: ("Unfit", "The body has another shape, dtype, count or column than the model takes."),
    429: ("TooMany", "This client has too many requests waiting."),
    500: ("Failed", "The model failed."),
    503: ("Busy", "The queue is full, the request waited too long, or the server is starting or ending."),
}
_ASKING = tuple(_ERRORS)
_BYTES = "application/octet-stream"
_TRY_AGAIN = (429, 503)
_GIVES: Mapping[str, str] = {"predict": "its answers.", "explain": "what it looked at."}


def document(cards: Sequence[Card]) -> dict[str, Any]:
    """A valid OpenAPI 3.1 document of a server with these models, the first of which is the default."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stepwell",
            "version": version("stepwell"),
            "description": f"Predictions of {', '.join(card.title for card in cards) or 'no model yet'}.",
        },
        "paths": _paths(cards),
        "components": {
            "schemas": {"Error": _error_schema(), "Tensor": _tensor_schema()},
            "responses": {name: _error(status, what) for status, (name, what) in _ERRORS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _paths(cards: Sequence[Card]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for verb, field in (("predict", "answers"), ("explain", "explanation")):
        if cards:
            found[f"/{verb}"] = {"post": _asking(cards[0], verb, field, "default")}
        found |= {
            f"/{verb}/{quote(card.name, safe='')}": {"post": _asking(card, verb, field, card.name)} for card in cards
        }
    return {**found, **_reading(), **_inference(cards)}


def _asking(card: Card, verb: str, field: str, name: str) -> dict[str, Any]:
    """A prediction, or what explains one."""
    answers = {"type": "array", "items": schemas.answer(card)} if field == "answers" else {"type": "object"}
    content: dict[str, Any] = {"application/json": {"schema": schemas.reply(card, field, answers)}}
    if field == "answers" and len(card.outputs) == 1:
        output = f"The output {card.outputs[0].written()} of each row."
        content["application/x-npy"] = {"schema": {"contentMediaType": "application/x-npy", "description": output}}
    timeout = {
        "name": "X-Timeout-Ms",
        "in": "header",
        "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    }
    return {
        "operationId": f"{verb}:{name}",
        "summary": f"{'Rows' if verb == 'predict' else 'One row'} for {card.title}: {_GIVES[verb]}",
        "tags": [card.name],
        "parameters": [{**timeout, "description": "Milliseconds after which nobody waits for the answer."}],
        "requestBody": {"required": True, "content": schemas.request_content(card)},
        "responses": {"200": {"description": "The answer.", "content": content}, **_errors(_ASKING)},
    }


def _reading() -> dict[str, Any]:
    """What can be read of a server."""
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    return {
        "/": _get("page", "A page to try the models.", "text/html"),
        "/models": _get(
            "models", "What is known of each model.", schema={"type": "array", "items": {"type": "object"}}
        ),
        "/models/{model}": _get("model", "What is known of a model.", parameters=[model]),
        "/models/{model}/examples/{number}": _get(
            "example", "The body of a request with a row that was held out.", "*/*", [model, number]
        ),
        "/metrics": _get("metrics", "What was counted and timed, as Prometheus reads it.", "text/plain"),
        "/openapi.json": _get("openapi", "This document."),
    }


def _inference(cards: Sequence[Card]) -> dict[str, Any]:
    """The Open Inference Protocol; its tensors are those of the models' metadata."""
    names = {"type": "string", **({"enum": [card.name for card in cards]} if cards else {})}
    name = {"name": "name", "in": "path", "required": True, "schema": names}
    length = {"name": "Inference-Header-Content-Length", "in": "header", "schema": {"type": "integer", "minimum": 0}}
    infer = {
        "operationId": "oip:infer",
        "summary": "Tensors for a model, by the Open Inference Protocol: its outputs.",
        "parameters": [name, {**length, "description": "The length of the JSON where the bytes of tensors follow it."}],
        "requestBody": {"required": True, "content": _tensors("inputs")},
        "responses": {"200": {"description": "The outputs.", "content": _tensors("outputs")}, **_errors(_ASKING)},
    }
    return {
        "/v2": _get("oip:server", "The server and the extensions of the protocol that it knows."),
        "/v2/health/live": _get("oip:live", "Whether the server lives."),
        "/v2/health/ready": _get("oip:ready", "Whether it takes requests."),
        "/v2/models/{name}": _get("oip:model", "The inputs and outputs of a model.", parameters=[name]),
        "/v2/models/{name}/ready": _get("oip:model_ready", "Whether a model takes requests.", parameters=[name]),
        "/v2/models/{name}/infer": {"post": infer},
    }


def _tensors(side: str) -> dict[str, Any]:
    """Tensors as a request or its answer holds them."""
    tensors = {"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}}
    plain = {"type": "object", "properties": {side: tensors}, "required": [side]}
    behind = {"contentMediaType": _BYTES, "description": "The same JSON, and behind it the bytes of tensors."}
    return {"application/json": {"schema": plain}, _BYTES: {"schema": behind}}


def _tensor_schema() -> dict[str, Any]:
    shape = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    fields = {
        "name": {"type": "string"},
        "shape": shape,
        "datatype": {"enum": [*DATATYPES, BYTES]},
        "data": {"type": "array", "description": "The values, nested or one after another."},
        "parameters": {"type": "object"},
    }
    return {"type": "object", "properties": fields, "required": ["name", "shape", "datatype"]}


def _get(
    name: str, what: str, kind: str = "application/json", parameters: Sequence[Any] = (), schema: Any = None
) -> dict[str, Any]:
    found = {"200": {"description": what, "content": {kind: {"schema": schema} if schema else {}}}}
    return {
        "get": {
            "operationId": name,
            "summary": what,
            **({"parameters": list(parameters)} if parameters else {}),
            "responses": {**found, **_errors((401, 404, 503) if parameters else (401, 503))},
        }
    }


def _errors(statuses: Sequence[int]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{_ERRORS[status][0]}"} for status in statuses}


def _error(status: int, what: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    found: dict[str, Any] = {"description": what, "content": content}
    if status in _TRY_AGAIN:
        found["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    return found


def _error_schema() -> dict[str, Any]:
    sentence = {"type": "string", "description": "What was given, what was expected, and how to mend it."}
    return {"type": "object", "properties": {"error": sentence}, "required": ["error"]}
