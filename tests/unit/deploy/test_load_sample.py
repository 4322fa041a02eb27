"""What a load test sends."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.deploy.card import Array, Card
from stepwell.deploy.client import Answer, Place
from stepwell.deploy.sample import ANY, JSON, NPY, RAW, LoadError, Sample, drawn, kept, npy, of_file, sentence


def card(*inputs: Array) -> Card:
    return Card(name="m", title="m", kind="arrays", inputs=inputs, outputs=())


def answer(body: bytes, kind: str) -> Answer:
    return Answer(200, {b"content-type": kind.encode()}, body)


@given(
    st.sampled_from(["float32", "float64", "uint8", "int64"]),
    st.lists(st.integers(1, 5), max_size=3),
)
def test_random_rows_have_the_bytes_that_the_card_says(dtype: str, shape: list[int]) -> None:
    array = Array("x", dtype, tuple(shape))
    found = drawn(card(array))
    assert found.content_type == RAW
    assert len(found.body) == array.row_bytes
    assert np.isfinite(np.frombuffer(found.body, dtype)).all()
    assert drawn(card(array)) == found  # the same each time


def test_levels_of_a_category_are_such_as_every_model_has() -> None:
    assert not np.frombuffer(drawn(card(Array("x", "int64", (3,)))).body, np.int64).any()


def test_an_input_of_any_length_goes_as_npy_and_several_as_json() -> None:
    one = drawn(card(Array("x", "float32", (None, 3))))
    assert one.content_type == NPY
    assert np.load(BytesIO(one.body), allow_pickle=False).shape == (1, ANY, 3)
    two = drawn(card(Array("numbers", "float32", (2,)), Array("levels", "int64", (3,))))
    assert two.content_type == JSON
    inputs = json.loads(two.body)["inputs"]
    assert {name: np.shape(rows) for name, rows in inputs.items()} == {"numbers": (1, 2), "levels": (1, 3)}


@pytest.mark.parametrize("rows", [np.ones((1, 2, 3)), np.ones((2, 3))])
def test_a_kept_array_goes_as_raw_bytes_of_the_cards_type(rows: np.ndarray) -> None:
    found = kept(answer(npy(rows), NPY), card(Array("x", "float32", (2, 3))))
    assert (found.content_type, found.body) == (RAW, np.ones((2, 3), np.float32).tobytes())


def test_a_kept_array_of_any_length_goes_as_it_came() -> None:
    body = npy(np.ones((1, 7), np.float32))
    assert kept(answer(body, NPY), card(Array("x", "float32", (None,)))).body == body


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ('{"age": 3, "sex": "male"}', {"rows": [{"age": 3, "sex": "male"}]}),
        ('{"rows": [{"age": 3}]}', {"rows": [{"age": 3}]}),
        ('{"inputs": [[1, 2]]}', {"inputs": [[1, 2]]}),
        ("[[1, 2]]", [[1, 2]]),
    ],
)
def test_a_kept_row_of_a_table_is_asked_as_one_row(said: str, sent: object) -> None:
    found = kept(answer(said.encode(), "application/json; charset=utf-8"), card(Array("x", "float32", (2,))))
    assert found.content_type == JSON
    assert json.loads(found.body) == sent


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "image/png"),
        ("a.JPG", "image/jpeg"),
        ("a.csv", "text/csv"),
        ("a.npy", NPY),
        ("a.json", JSON),
        ("a", RAW),
    ],
)
def test_a_file_goes_as_it_is_with_the_type_of_its_name(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"content")
    found = of_file(tmp_path / name)
    assert (found.body, found.content_type) == (b"content", kind)
    assert found.what == f"{name}, 7 bytes of {kind}"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="cannot be read: No such file"):
        of_file(tmp_path / "none.png")


def test_a_request_shows_the_token_and_names_the_model() -> None:
    sent = Sample(b"12", RAW, "").request(Place("127.0.0.1", 80), "digits", "secret")
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /predict/digits HTTP/1.1"
    assert b"Authorization: Bearer secret" in head.splitlines()
    assert body == b"12"


@pytest.mark.parametrize(
    ("body", "said"),
    [(b'{"error": "no"}', "no"), (b"Bad Gateway", "Bad Gateway"), (b"", "nothing more"), (b"[1]", "[1]")],
)
def test_what_a_server_says_of_an_error(body: bytes, said: str) -> None:
    assert sentence(Answer(400, {}, body)) == said
