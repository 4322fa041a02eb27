import json
from io import BytesIO

import numpy as np
import pytest

from stepwell.deploy.calls import Refused, Reply
from stepwell.deploy.protocols.encode import encode, wants_of


@pytest.mark.parametrize(
    ("accept", "wants"),
    [
        ("", "answers"),
        ("*/*", "answers"),
        ("application/json", "answers"),
        ("text/html", "answers"),
        ("application/x-npy", "arrays"),
        ("Application/X-NPY; q=0.9", "arrays"),
        ("application/x-npy, */*", "arrays"),
        ("application/x-npy, application/json", "answers"),
        ("application/x-npy, application/json;q=0.5", "arrays"),
        ("application/json, application/x-npy;q=0.5", "answers"),
        ("application/x-npy;q=0", "answers"),
        ("application/x-npy;q=nan", "arrays"),
        (",;,q=", "answers"),
    ],
)
def test_what_an_accept_header_wants(accept, wants):
    assert wants_of(accept) == wants


def test_answers_are_json(digits):
    reply = Reply(answers='[{"label":"ä"}]'.encode(), notes=("one note",), batch=4)
    body, kind = encode(digits, reply, "*/*")
    assert kind == "application/json"
    assert json.loads(body) == {
        "model": "digits",
        "version": "3",
        "answers": [{"label": "ä"}],
        "notes": ["one note"],
        "batch": 4,
    }


def test_an_explanation_has_its_own_name(digits):
    body, _ = encode(digits, Reply(answers=b'{"rows":[1]}'), field="explanation")
    assert json.loads(body)["explanation"] == {"rows": [1]}


def test_arrays_are_npy_where_they_are_asked_for(digits):
    array = np.random.default_rng(0).normal(size=(3, 10)).astype(np.float32)
    body, kind = encode(digits, Reply(arrays={"output": array}), "application/x-npy")
    assert kind == "application/x-npy"
    assert np.array_equal(np.load(BytesIO(body), allow_pickle=False), array)


def test_several_arrays_are_no_npy(waves):
    reply = Reply(arrays={"mean": np.zeros(2), "spread": np.zeros(2)})
    with pytest.raises(Refused, match="gives 2 arrays .'mean' and 'spread'") as caught:
        encode(waves, reply, "application/x-npy")
    assert caught.value.status == 406
