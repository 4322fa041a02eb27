"""All that a server speaks, over HTTP, with models that were trained a moment before."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from io import BytesIO

import numpy as np
import pytest
import tritonclient.http as http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

ROWS = [
    {"temp": 4.5 + i % 9, "season": "ab"[i % 2], "day": f"2011-01-{1 + i % 28:02d}", "cnt": 3 * i} for i in range(80)
]


def stepwell(*words: str) -> list[str]:
    return [sys.executable, "-m", "stepwell", *words]


def csv(rows: list[dict[str, object]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """Host and port of a server with two models, `digits` and `table`."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "rides.csv").write_text(csv(ROWS))
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    for words in (("digits",), ("table", "rides.csv", "--target", "cnt")):
        trained = stepwell("train", *words, "--epochs", "1")
        subprocess.run(trained, cwd=folder, env=environment, capture_output=True, check=True, timeout=300)
    runs = sorted(str(run) for run in (folder / "runs").iterdir() if run.is_dir())
    command = stepwell("serve", *runs, "--port", "0", "--workers", "0")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = next((m for line in server.stdout if (m := re.search(r"http://(127\.0\.0\.1:\d+)", line))), None)
            assert found is not None, "the server ended before it was ready"
            yield found[1]
        finally:
            server.terminate()
            server.wait(60)


def ask(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes, str]:
    connection = HTTPConnection(address, timeout=60)
    try:
        connection.request(
            method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read(), response.headers.get("Content-Type", "")
    finally:
        connection.close()


@pytest.fixture(scope="module")
def digit(address) -> np.ndarray:
    """A digit that was held out, `(1, 1, 8, 8)`."""
    status, body, kind = ask(address, "GET", "/models/digits/examples/0")
    assert (status, kind) == (200, "application/x-npy")
    return np.load(BytesIO(body), allow_pickle=False).reshape(1, 1, 8, 8)


def npy(array: np.ndarray) -> bytes:
    out = BytesIO()
    np.save(out, array)
    return out.getvalue()


def test_a_digit_is_read_alike_however_it_is_sent(address, digit):
    form = (
        b'--e\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{"shape": [1, 8, 8]}\r\n'
        b'--e\r\nContent-Disposition: form-data; name="blob"; filename="b"\r\n\r\n' + digit.tobytes() + b"\r\n--e--\r\n"
    )
    bodies = {
        "application/x-npy": npy(digit),
        "application/octet-stream": digit.tobytes(),
        "application/json": json.dumps({"inputs": digit.tolist()}).encode(),
        "application/x-www-form-urlencoded": npy(digit[0]),
        "multipart/form-data; boundary=e": form,
    }
    told = [ask(address, "POST", "/predict/digits", body, Content_Type=kind) for kind, body in bodies.items()]
    assert [status for status, _, _ in told] == [200] * len(bodies)
    answers = [json.loads(body)["answers"] for _, body, _ in told]
    assert all(answer == answers[0] for answer in answers)
    assert sum(answers[0][0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_the_arrays_are_those_of_the_answer(address, digit):
    status, body, kind = ask(
        address, "POST", "/predict/digits", npy(digit), Content_Type="application/x-npy", Accept="application/x-npy"
    )
    assert (status, kind) == (200, "application/x-npy")
    chances = np.load(BytesIO(body), allow_pickle=False)
    _, body, _ = ask(address, "POST", "/predict/digits", npy(digit), Content_Type="application/x-npy")
    assert chances[0].tolist() == list(json.loads(body)["answers"][0]["probabilities"].values())


def test_rows_of_a_table_are_read_alike_however_they_are_sent(address):
    rows = [{name: value for name, value in row.items() if name != "cnt"} for row in ROWS[:3]]
    model = next(card["name"] for card in json.loads(ask(address, "GET", "/models")[1]) if card["kind"] == "table")
    path, text = f"/predict/{model}", csv(rows).encode()
    form = b'--e\r\nContent-Disposition: form-data; name="file"; filename="new.csv"\r\n\r\n' + text + b"\r\n--e--\r\n"
    told = [
        ask(address, "POST", path, text, Content_Type="text/csv"),
        ask(address, "POST", path, json.dumps({"rows": rows}).encode(), Content_Type="application/json"),
        ask(address, "POST", path, form, Content_Type="multipart/form-data; boundary=e"),
    ]
    answers = [json.loads(body)["answers"] for _, body, _ in told]
    assert len(answers[0]) == 3
    assert answers[0] == answers[1] == answers[2]
    status, body, _ = ask(
        address, "POST", path, b'{"rows": [{"temp": 3, "saeson": "a"}]}', Content_Type="application/json"
    )
    assert status == 422
    assert "It has 'saeson', which no training row had. Did you mean 'saeson'?" in json.loads(body)["error"]


@pytest.mark.parametrize(
    ("kind", "body", "status", "says"),
    [
        ("application/json", b'{"inputs": [[NaN]]}', 400, "NaN stands in the JSON"),
        ("application/json", b'{"inputs": [[1, 2]]}', 422, "has the shape (1, 2)"),
        ("application/octet-stream", b"123", 400, "3 bytes"),
        ("application/x-npy", npy(np.array([{}], object)), 400, "pickle"),
        ("application/x-npy", npy(np.zeros((1, 1, 8, 8))), 422, "float64"),
        ("image/png", b"\x89PNG", 415, "reads no 'image/png'"),
        ("application/x-python-pickle", b"cos\nsystem\n.", 415, "reads no"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(address, kind, body, status, says):
    found, told, media = ask(address, "POST", "/predict/digits", body, Content_Type=kind)
    assert (found, media) == (status, "application/json")
    assert says in json.loads(told)["error"]


def test_a_value_that_no_table_holds_is_told_with_its_place(address):
    model = next(card["name"] for card in json.loads(ask(address, "GET", "/models")[1]) if card["kind"] == "table")
    row = b'{"temp": 3, "season": "a", "day": "2011-01-03"}'
    for wrong, says in (
        (
            row.replace(b"3,", b"1e999,"),
            "Row 1 has a number beyond 1.8e308, the largest there is, in the column 'temp'",
        ),
        (row.replace(b'"a"', b'"\\ud800"'), "half of a surrogate pair, in the column 'season'"),
    ):
        body = b'{"rows": [' + row + b", " + wrong + b"]}"
        status, told, _ = ask(address, "POST", f"/predict/{model}", body, Content_Type="application/json")
        assert status == 422
        assert says in json.loads(told)["error"]
    body = b'{"rows": [' + row + b", " + row + b"]}"
    status, told, _ = ask(address, "POST", f"/explain/{model}", body, Content_Type="application/json")
    assert status == 422
    assert "one row at a time" in json.loads(told)["error"]


def test_what_is_asked_wrongly_never_fails_the_server(address, digit):
    odd = json.dumps({"inputs": [[[["\ud800"] * 8] * 8]]}).encode()
    assert ask(address, "POST", "/predict/digits", odd, Content_Type="application/json")[0] == 422
    assert ask(address, "POST", "/v2/models/digits/infer", odd)[0] == 400
    assert ask(address, "GET", f"/models/digits/examples/{'9' * 5000}")[0] == 404
    for path in ("/predict", "/predict/digits", "/explain/digits"):
        status, body, _ = ask(address, "GET", path)
        assert status == 405
        assert "predictions are POSTed" in json.loads(body)["error"]
    two = npy(np.repeat(digit, 2, 0))
    status, body, _ = ask(address, "POST", "/explain/digits", two, Content_Type="application/x-npy")
    assert status == 422
    assert "one row at a time; here are 2" in json.loads(body)["error"]
    assert ask(address, "POST", "/explain/digits", npy(digit), Content_Type="application/x-npy")[0] == 200


def tensor(array: np.ndarray, binary: bool = True) -> http.InferInput:
    made = http.InferInput("input", list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array, binary_data=binary)


def test_tritons_client_gets_the_same(address, digit):
    with http.InferenceServerClient(address) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        told = client.get_model_metadata("digits")
        assert told["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]
        assert client.is_model_ready("digits", told["versions"][0])
        output = told["outputs"][0]["name"]
        _, body, _ = ask(address, "POST", "/predict/digits", npy(digit), Content_Type="application/x-npy")
        answer = json.loads(body)["answers"][0]
        for binary in (True, False):
            wanted = [http.InferRequestedOutput(name, binary_data=binary) for name in (output, "label")]
            found = client.infer("digits", [tensor(digit, binary)], outputs=wanted)
            assert found.as_numpy(output)[0].tolist() == list(answer["probabilities"].values())
            assert found.as_numpy("label").tolist() == [answer["label"].encode() if binary else answer["label"]]
        for packing in ("gzip", "deflate"):
            many = client.infer(
                "digits",
                [tensor(np.repeat(digit, 100, 0))],
                request_compression_algorithm=packing,
                response_compression_algorithm=packing,
            )
            assert many.as_numpy(output).shape == (100, 10)


def test_tritons_client_is_told_what_is_wrong(address, digit):
    with http.InferenceServerClient(address) as client:
        for name, given, says in (
            ("digits", digit[:, :, :4], r"has the shape \(1, 1, 4, 8\)"),
            ("digits", digit.astype(np.float64), "is float64"),
            ("digit", digit, "Did you mean 'digits'"),
        ):
            with pytest.raises(InferenceServerException, match=says):
                client.infer(name, [tensor(given)])


def test_the_document_tells_of_both_models(address):
    status, body, _ = ask(address, "GET", "/openapi.json")
    assert status == 200
    told = json.loads(body)
    assert told["openapi"] == "3.1.0"
    assert len([path for path in told["paths"] if path.startswith("/predict/")]) == 2
