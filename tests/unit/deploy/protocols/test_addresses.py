"""The addresses of a server, asked without one: what clients get wrong is told them, and is never the server's failure."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from stepwell.deploy.app import make_app
from stepwell.deploy.calls import Call, Refused, Reply
from stepwell.deploy.card import Card
from stepwell.deploy.intake import Intake
from stepwell.deploy.protocols import bodies
from stepwell.deploy.protocols.npy import npy_bytes

Receive = Callable[[], Awaitable[dict[str, object]]]


class Meter:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def answered(self, model: str, status: int) -> None:
        self.seen.append((model, status))


class Answers:
    """What a hub gives, without workers."""

    def __init__(self, *cards: Card) -> None:
        self.cards = {card.name: card for card in cards}
        self.intake, self.meter, self.ready = Intake(), Meter(), True
        self.calls: list[Call] = []

    def card(self, name: str | None = None) -> Card:
        if name is not None and name not in self.cards:
            raise Refused(404, f"There is no model {name!r}.")
        return self.cards[name or next(iter(self.cards))]

    def example(self, name: str, number: int) -> tuple[str, bytes]:
        if number:
            raise Refused(404, f"The model {name} has 1 examples.")
        return "text/plain", b"the first"

    async def ask(self, call: Call, receive: Receive) -> Reply:
        self.calls.append(call)
        return Reply(answers=b"[1]", arrays={"output": np.ones((1, 2), np.float32)}, batch=4, waited=0.5, computed=0.25)


@pytest.fixture
def hub(crop, bikes, waves) -> Answers:
    return Answers(crop, bikes, waves)


def ask(
    hub: Answers, method: str, path: str, body: bytes = b"", receive: Receive | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a response."""
    sent: list[dict] = []

    async def given() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(make_app(hub)(scope, receive or given, send))
    told = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message["body"] for message in sent[1:])


def why(told: tuple[int, dict[str, str], bytes], status: int) -> str:
    """The sentence of a refusal."""
    assert told[0] == status
    assert told[1]["content-type"] == "application/json"
    return json.loads(told[2])["error"]


@pytest.mark.parametrize("path", ["/predict", "/predict/crop", "/predict/", "/explain", "/explain/crop", "/predict/no"])
@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_predictions_are_asked_for_by_post(hub, method, path):
    told = ask(hub, method, path)
    assert why(told, 405) == f"{method} is not for {path}: predictions are POSTed, the rest is read by GET."
    assert told[1]["allow"] == "POST"
    assert not hub.calls


def test_what_is_read_is_not_posted_and_what_is_nowhere_is_not_found(hub):
    told = ask(hub, "POST", "/models")
    assert "POST is not for /models: predictions are POSTed" in why(told, 405)
    assert "GET" in told[1]["allow"]
    assert "There is nothing at /predicted; there is /, /predict" in why(ask(hub, "GET", "/predicted"), 404)


@pytest.mark.parametrize("number", ["9" * 5000, "1" * 10, "-1", "1.0", "x", "²", "१"])
def test_a_number_of_an_example_that_is_none_is_not_found(hub, number):
    told = why(ask(hub, "GET", f"/models/crop/examples/{number}"), 404)
    assert told == f"There is no example {number[:20]!r}; they are numbered from 0."
    assert ask(hub, "GET", "/models/crop/examples/0")[2] == b"the first"
    assert "has 1 examples" in why(ask(hub, "GET", "/models/crop/examples/7"), 404)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict/crop", '{"inputs": [["\\ud800"]]}'),
        ("/predict/crop", '{"inputs": [[["\\udfff", 1], ["ä\\ud800", 2]]]}'),
        ("/predict/crop", '{"\\ud800": 1}'),
        ("/predict/bikes", '{"rows": [{"temp": "\\ud800"}]}'),
        ("/predict/bikes", '{"rows": [{"\\ud800": 1}]}'),
        ("/v2/models/crop/infer", '{"inputs": [["\\ud800"]]}'),
        (
            "/v2/models/crop/infer",
            '{"inputs": [{"name": "input", "shape": [1, 1, 4, 6, 6], "datatype": "FP32", "data": ["\\ud800"]}]}',
        ),
        ("/v2/models/crop/infer", '{"inputs": [{"name": "\\ud800"}]}'),
        ("/v2/models/crop/infer", '{"inputs": [{"name": "input", "shape": [1], "datatype": "\\ud800"}]}'),
        (
            "/v2/models/crop/infer",
            json.dumps(
                {
                    "inputs": [{"name": "input", "shape": [1, 4, 6, 6], "datatype": "FP32", "data": [0] * 144}],
                    "outputs": [{"name": "output", "parameters": {"classification": "\ud800"}}],
                }
            ),
        ),
    ],
)
def test_half_of_a_surrogate_pair_in_a_request_is_no_failure_of_the_server(hub, path, body):
    status, _, told = ask(hub, "POST", path, body.encode(), content_type="application/json")
    assert status in (400, 422)
    assert json.loads(told)["error"].encode(), "there is none in the sentence"


def test_the_sentence_shows_half_of_a_surrogate_pair_as_it_was_sent(hub):
    body = json.dumps({"inputs": [["ä\ud800"] * 6] * 4}).encode()
    told = ask(
        hub, "POST", "/predict/waves", json.dumps({"inputs": [["ä\ud800", 2]]}).encode(), content_type="text/json"
    )
    assert r'has "ä\ud800" at [0][0]; a number is expected' in why(told, 422)
    assert hub.calls == []
    assert "shape" in why(ask(hub, "POST", "/predict/crop", body, content_type="text/json"), 422)


def test_a_clients_time_runs_while_it_sends(hub):
    body = npy_bytes(np.zeros((1, 1, 4, 6, 6), np.float32))
    began: list[float] = []

    async def slowly() -> dict[str, object]:
        began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": body}

    told = ask(hub, "POST", "/predict/crop", receive=slowly, content_type="application/x-npy", x_timeout_ms="1000")
    assert told[0] == 200
    assert hub.calls[0].deadline <= began[0] + 1
    ask(hub, "POST", "/predict/crop", body, content_type="application/x-npy")
    assert hub.calls[1].deadline is None


def test_a_timeout_that_is_none_is_told_before_the_body_is_read(hub):
    async def never() -> dict[str, object]:
        raise AssertionError("the body was read")

    assert "whole number" in why(ask(hub, "POST", "/predict", receive=never, x_timeout_ms="soon"), 400)


def test_both_protocols_say_how_a_request_fared(hub):
    tensor = {"name": "input", "shape": [1, 4, 6, 6], "datatype": "FP32", "data": [0] * 144}
    for path, body in (
        ("/predict/crop", {"inputs": np.zeros((1, 4, 6, 6)).tolist()}),
        ("/v2/models/crop/infer", {"inputs": [tensor]}),
    ):
        status, told, _ = ask(hub, "POST", path, json.dumps(body).encode(), content_type="application/json")
        assert status == 200
        assert [told[name] for name in ("x-batch", "x-queue-ms", "x-compute-ms")] == ["4", "500.00", "250.00"]


@pytest.mark.parametrize(
    ("kind", "body", "long"),
    [
        ("application/json", b"[1]", True),
        ("Text/JSON; charset=utf-8", b"[1]", True),
        ("multipart/form-data; boundary=e", b"--e", True),
        ("application/x-www-form-urlencoded", b' {"inputs": 1}', True),
        ("", b"[[1]]", True),
        ("", b"\x93NUMPY", False),
        ("application/x-npy", b"\x93NUMPY", False),
        ("application/octet-stream", b"[1]", False),
        ("text/csv", b"a,b\n1,2\n", False),
        ("image/png", b"\x89PNG", False),
        ("application/vnd.apache.parquet", b"PAR1", False),
    ],
)
def test_only_what_python_itself_reads_is_decoded_on_a_thread(kind, body, long):
    assert bodies.takes_long(kind, body + b" " * 2**18) is long
    assert not bodies.takes_long(kind, body)


def test_long_json_is_decoded_on_a_thread(hub, monkeypatch):
    seen: list[bool] = []
    flattened = bodies.decode_json

    def decode(*given):
        seen.append(threading.current_thread() is threading.main_thread())
        return flattened(*given)

    monkeypatch.setitem(bodies._ARRAYS, "application/json", decode)
    monkeypatch.setattr(bodies, "decode_json", decode)
    for rows in (1, 1000):
        body = json.dumps({"inputs": np.zeros((rows, 1, 4, 6, 6)).tolist()}).encode()
        assert ask(hub, "POST", "/predict/crop", body, content_type="application/json")[0] == 200
    assert seen == [True, False]
