"""The Open Inference Protocol, asked by Triton's own client."""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection

import numpy as np
import pytest
import torch
import tritonclient.http as http
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from stepwell.core.errors import suggest
from stepwell.deploy.calls import Call, Refused, Reply
from stepwell.deploy.card import Array, Card
from stepwell.deploy.intake import Intake
from stepwell.deploy.protocols import oip
from stepwell.deploy.protocols.oip_reply import labels_of
from stepwell.deploy.protocols.packing import packed
from stepwell.deploy.protocols.tensors import bytes_of
from stepwell.tasks import Binary

THREE = Card(
    name="three",
    title="Three",
    kind="arrays",
    inputs=(Array("x", "float32", (2, 3)),),
    outputs=(Array("output", "float32", (3,)), Array("sum", "float64", ())),
    classes=("cat", "dög", "bird"),
    version="5",
)
PAIR = Card(
    name="pair",
    title="Pair",
    kind="table",
    inputs=(Array("numbers", "float32", (None,)), Array("codes", "int64", (2,))),
    outputs=(Array("output", "float32", (1,)),),
    classes=("no", "yes"),
)
ROWS = np.arange(12, dtype=np.float32).reshape(2, 2, 3)


class Meter:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def answered(self, model: str, status: int) -> None:
        self.seen.append((model, status))


class Answers:
    """What a hub gives, without workers: sums of its inputs."""

    def __init__(self) -> None:
        self.cards = {"three": THREE, "pair": PAIR}
        self.ready, self.intake, self.meter = True, Intake(2**20), Meter()
        self.calls: list[Call] = []

    def card(self, name: str) -> Card:
        if name not in self.cards:
            raise Refused(404, f"There is no model {name!r}.{suggest(name, self.cards)}")
        return self.cards[name]

    async def ask(self, call: Call, receive: Callable[[], Awaitable[object]]) -> Reply:
        self.calls.append(call)
        self.thread = threading.current_thread()
        arrays = call.payload.arrays
        if call.model == "pair":
            return Reply(
                arrays={"output": arrays["numbers"].sum(1, keepdims=True) + arrays["codes"][:, :1].astype("f4")}
            )
        if (arrays["x"] < -900).any():
            raise Refused(503, "The queue is full.", retry_after=3)
        with np.errstate(over="ignore"):
            return Reply(
                arrays={"output": arrays["x"].sum(1), "sum": arrays["x"].sum((1, 2)).astype(np.float64)}, batch=9
            )


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"error": str(error)}, error.status)


@pytest.fixture(scope="module")
def hub() -> Answers:
    return Answers()


@pytest.fixture(scope="module")
def address(hub) -> Iterator[str]:
    app = Starlette(routes=oip.routes(hub), exception_handlers={Refused: refused})
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture(scope="module")
def client(address):
    found = http.InferenceServerClient(address)
    yield found
    found.close()


def tensor(name: str, array, binary=True, datatype=None):
    made = http.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def posted(address: str, path: str, body: bytes, **headers: str) -> tuple[int, dict]:
    connection = HTTPConnection(address, timeout=20)
    try:
        connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_the_server_lives_and_tells_what_it_is(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    told = client.get_server_metadata()
    assert told["name"] == "stepwell"
    assert "binary_tensor_data" in told["extensions"]


def test_a_server_that_is_not_ready_says_so(client, hub):
    hub.ready = False
    try:
        assert client.is_server_live()
        assert not client.is_server_ready()
        assert not client.is_model_ready("three")
    finally:
        hub.ready = True


def test_models_tell_their_inputs_and_outputs(client):
    told = client.get_model_metadata("three")
    assert told["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2, 3]}]
    assert told["outputs"] == [
        {"name": "output", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "sum", "datatype": "FP64", "shape": [-1]},
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
    ]
    assert told["versions"] == ["5"]
    assert client.get_model_metadata("pair")["inputs"][0]["shape"] == [-1, -1]
    assert client.is_model_ready("three", "5")
    assert not client.is_model_ready("four")


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_an_inference_with_and_without_binary_tensors(client, binary_in, binary_out):
    names = ("sum", "output", "label")
    wanted = [http.InferRequestedOutput(name, binary_data=binary_out) for name in names]
    found = client.infer("three", [tensor("x", ROWS, binary_in)], outputs=wanted, request_id="r1")
    assert np.array_equal(found.as_numpy("output"), ROWS.sum(1))
    assert found.as_numpy("output").dtype == np.float32
    assert found.as_numpy("sum").tolist() == [15, 51]
    label = found.as_numpy("label").tolist()
    assert [each.decode() if binary_out else each for each in label] == ["bird", "bird"]
    told = found.get_response()
    assert [each["name"] for each in told["outputs"]] == list(names)
    assert (told["id"], told["model_name"], told["model_version"]) == ("r1", "three", "5")


def test_all_outputs_come_where_none_is_named(client):
    found = client.infer("three", [tensor("x", ROWS)], model_version="5")
    assert found.as_numpy("sum").tolist() == [15, 51]
    assert [each.decode() for each in found.as_numpy("label")] == ["bird", "bird"]


def test_binary_and_json_outputs_in_one_answer(client):
    wanted = [
        http.InferRequestedOutput("label", binary_data=False),
        http.InferRequestedOutput("output", binary_data=True),
    ]
    found = client.infer("three", [tensor("x", -ROWS)], outputs=wanted)
    assert found.as_numpy("label").tolist() == ["cat", "cat"]
    assert np.array_equal(found.as_numpy("output"), -ROWS.sum(1))


def test_several_inputs_in_any_order(client):
    numbers, codes = np.ones((3, 4), np.float32), np.arange(6).reshape(3, 2)
    for binary in (True, False):
        found = client.infer("pair", [tensor("codes", codes, binary), tensor("numbers", numbers, not binary)])
        assert found.as_numpy("output").tolist() == [[4], [6], [8]]
        assert [each.decode() for each in found.as_numpy("label")] == ["yes"] * 3


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_bodies_packed_both_ways(client, algorithm):
    many = np.tile(ROWS, (200, 1, 1))
    found = client.infer(
        "three", [tensor("x", many)], request_compression_algorithm=algorithm, response_compression_algorithm=algorithm
    )
    assert found._buffer is not None
    assert np.array_equal(found.as_numpy("output"), many.sum(1))


def test_small_answers_are_not_packed():
    assert packed(b"x" * 100, "gzip") == (b"x" * 100, "")
    assert packed(b"x" * 5000, "gzip;q=0, br") == (b"x" * 5000, "")
    assert packed(b"x" * 5000, "br, deflate")[1] == "deflate"


def test_classes_instead_of_probabilities(client):
    wanted = [http.InferRequestedOutput("output", class_count=2)]
    found = client.infer("three", [tensor("x", ROWS[:1] / 10)], outputs=wanted)
    assert [text.decode() for text in found.as_numpy("output")[0]] == ["0.700000:2:bird", "0.500000:1:dög"]
    binary = client.infer(
        "pair",
        [tensor("numbers", np.full((1, 1), 0.25, np.float32)), tensor("codes", np.zeros((1, 2), np.int64))],
        outputs=[http.InferRequestedOutput("output", class_count=5)],
    )
    assert [text.decode() for text in binary.as_numpy("output")[0]] == ["0.750000:0:no", "0.250000:1:yes"]


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.7])
def test_the_label_is_that_of_the_task_whatever_its_threshold(threshold):
    task = Binary(classes=("no", "yes"), threshold=threshold, outputs="probabilities")
    chances = torch.tensor([0.0, 0.29, 0.3, 0.31, 0.5, 0.69, 0.7, 1.0])
    card = replace(PAIR, threshold=threshold)
    for output in (chances, chances[:, None]):
        labels = [answer["label"] for answer in task.answers(output)]
        assert labels_of(card, task.predict(output).numpy()).tolist() == labels


def test_an_output_is_asked_for_once(client):
    with pytest.raises(
        InferenceServerException, match="output 'sum' is asked for twice. Name each output once"
    ) as caught:
        client.infer(
            "three",
            [tensor("x", ROWS)],
            outputs=[http.InferRequestedOutput(name) for name in ("sum", "output", "sum", "output")],
        )
    assert caught.value.status() == "422"


@pytest.mark.parametrize(("rows", "aside"), [(2, False), (20_000, True)])
def test_a_large_answer_is_written_on_a_thread(client, hub, monkeypatch, rows, aside):
    seen: list[threading.Thread] = []
    write = oip.write_reply

    def written(*given):
        seen.append(threading.current_thread())
        return write(*given)

    monkeypatch.setattr(oip, "write_reply", written)
    found = client.infer("three", [tensor("x", np.tile(ROWS[:1], (rows, 1, 1)))])
    assert found.as_numpy("sum").tolist() == [15] * rows
    assert [thread is not hub.thread for thread in seen] == [aside]


def test_an_id_comes_back_as_it_was_sent(address):
    plain = {**json.loads(body()), "id": "ä\ud800"}
    status, told = posted(address, "/v2/models/three/infer", json.dumps(plain).encode())
    assert (status, told["id"]) == (200, "ä\ud800")


def test_a_narrower_dtype_is_widened(client):
    assert client.infer("three", [tensor("x", ROWS.astype(np.uint8))]).as_numpy("sum").tolist() == [15, 51]
    assert client.infer("three", [tensor("x", ROWS.astype(np.float16), binary=True)]).as_numpy("sum").tolist() == [
        15,
        51,
    ]


def test_a_timeout_becomes_a_deadline(client, hub):
    client.infer("three", [tensor("x", ROWS)], timeout=5_000_000)
    assert hub.calls[-1].deadline is not None
    assert hub.calls[-1].wants == "arrays"
    client.infer("three", [tensor("x", ROWS)])
    assert hub.calls[-1].deadline is None


@pytest.mark.parametrize(
    ("inputs", "says", "status"),
    [
        ([("x", ROWS[:, :, :2])], r"has the shape \(2, 2, 2\)\. The model takes float32 \(2, 3\)", "422"),
        ([("x", ROWS.astype(np.float64))], "is float64, and the model takes float32", "422"),
        ([("y", ROWS)], "has no input 'y'; its inputs are 'x'", "422"),
        ([("x", ROWS), ("x", ROWS)], "'x' is given twice", "422"),
        ([("x", ROWS[:0])], "no values", "422"),
        ([("x", np.array([["a"]], object))], "has the datatype 'BYTES'; the model takes FP32", "422"),
        ([("x", ROWS - 1000)], "queue is full", "503"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(client, hub, inputs, says, status):
    with pytest.raises(InferenceServerException, match=says) as caught:
        client.infer("three", [tensor(*each) for each in inputs])
    assert caught.value.status() == status
    assert hub.meter.seen[-1] == ("three", int(status))


def test_unknown_models_versions_and_outputs(client):
    with pytest.raises(InferenceServerException, match="no model 'thre'. Did you mean 'three'"):
        client.infer("thre", [tensor("x", ROWS)])
    with pytest.raises(InferenceServerException, match="has no version '6'; its version is '5'"):
        client.infer("three", [tensor("x", ROWS)], model_version="6")
    with pytest.raises(
        InferenceServerException, match="no output 'logits'; its outputs are 'output', 'sum' and 'label'"
    ):
        client.infer("three", [tensor("x", ROWS)], outputs=[http.InferRequestedOutput("logits")])
    with pytest.raises(InferenceServerException, match="no `classification`"):
        client.infer("three", [tensor("x", ROWS)], outputs=[http.InferRequestedOutput("sum", class_count=1)])


def test_shared_memory_is_not_taken(client):
    made = http.InferInput("x", [2, 2, 3], "FP32")
    made.set_shared_memory("region", 48)
    with pytest.raises(InferenceServerException, match="shared memory is not taken"):
        client.infer("three", [made])


def test_answers_that_json_cannot_hold_come_as_bytes(client):
    huge = np.full((1, 2, 3), 3e38, np.float32)
    with pytest.raises(InferenceServerException, match="NaN or infinite .* as binary data"):
        client.infer("three", [tensor("x", huge)], outputs=[http.InferRequestedOutput("output", binary_data=False)])
    assert np.isinf(client.infer("three", [tensor("x", huge)]).as_numpy("output")).all()


def body(**changed) -> bytes:
    given = {"name": "x", "shape": [1, 2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6]}
    return json.dumps({"inputs": [{**given, **changed}]}).encode()


def test_values_may_be_nested_or_flat(address):
    for data in ([1, 2, 3, 4, 5, 6], [[[1, 2, 3], [4, 5, 6]]]):
        status, told = posted(address, "/v2/models/three/infer", body(data=data))
        assert status == 200
        assert told["outputs"][0] == {"name": "output", "datatype": "FP32", "shape": [1, 3], "data": [5, 7, 9]}
        assert "id" not in told


@pytest.mark.parametrize(
    ("sent", "headers", "status", "says"),
    [
        (b"", {}, 400, "not JSON"),
        (b"[]", {}, 400, "is an object"),
        (b"{}", {}, 400, "no list `inputs`"),
        (b'{"inputs": [1]}', {}, 400, "An input is an object"),
        (b'{"inputs": [{}]}', {}, 400, "no `name`"),
        (b'{"inputs": []}', {}, 422, "lacks the input 'x'"),
        (b'{"inputs": [{"name": "x"}]}', {}, 400, "no `shape`"),
        (body(shape=[1, 2, True]), {}, 400, "no `shape`"),
        (body(shape=[1, 2, -3]), {}, 400, "no `shape`"),
        (body(shape=[10**17, 2, 3]), {}, 400, "6 values, but (100000000000000000, 2, 3) takes"),
        (body(shape=[2, 2, 3], data=[[[1, 2, 3], [4, 5, 6]]]), {}, 400, "1 rows"),
        (body(data=[[[1, 2, 3], [4, 5]]]), {}, 422, "ragged"),
        (body(data=[1, 2, 3, 4, 5, None]), {}, 422, "null at [0][1][2]"),
        (body(data=[1, 2, 3, 4, 5, 1e39]), {}, 422, "beyond"),
        (body(data="AAAA"), {}, 400, "is a list"),
        (body(datatype="BF16"), {}, 422, "datatype 'BF16'"),
        (body(datatype=7), {}, 422, "datatype '7'"),
        (body(datatype="INT8", data=[1, 2, 3, 4, 5, 128]), {}, 422, "int8 takes whole numbers"),
        (body(parameters={"binary_data_size": 24}), {}, 400, "either `data`"),
        (body(parameters=[1]), {}, 400, "has `parameters` that are no object"),
        (body().replace(b"6]", b"NaN]"), {}, 400, "NaN stands"),
        (body(), {"Inference_Header_Content_Length": "99999"}, 400, "at most the"),
        (body(), {"Inference_Header_Content_Length": "-1"}, 400, "the length of the JSON"),
        (body() + b"1234", {"Inference_Header_Content_Length": str(len(body()))}, 400, "4 bytes behind the JSON"),
        (body(), {"Content_Encoding": "br"}, 415, "br"),
        (body(), {"Content_Encoding": "gzip"}, 400, "gzip"),
        (b" " * (2**20 + 1), {}, 413, "1,048,57"),
    ],
)
def test_broken_requests_are_refused_with_a_sentence(address, sent, headers, status, says):
    found, told = posted(address, "/v2/models/three/infer", sent, **headers)
    assert found == status
    assert says in told["error"]


@pytest.mark.parametrize(
    ("size", "says"), [(20, "has 20 bytes"), (28, "24 bytes are left"), (-1, "binary_data_size -1"), ("24", "24")]
)
def test_binary_tensors_have_the_size_that_they_tell(address, size, says):
    plain = json.loads(body(parameters={"binary_data_size": size}))
    del plain["inputs"][0]["data"]
    head = json.dumps(plain).encode()
    status, told = posted(
        address, "/v2/models/three/infer", head + bytes(24), Inference_Header_Content_Length=str(len(head))
    )
    assert status == 400
    assert says in told["error"]


def test_texts_have_their_length_before_them():
    assert bytes_of(np.array(["ä", ""], object)) == b"\x02\0\0\0\xc3\xa4\0\0\0\0"
    assert bytes_of(np.array([1], ">i4")) == b"\x01\0\0\0"
