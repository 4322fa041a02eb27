import json
from time import thread_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.deploy.calls import Arrays, File, Refused
from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.json_body import LIMIT, decode_json, error_bytes, json_bytes, read_json
from stepwell.deploy.protocols.nested import as_rows


def sent(card: Card, plain) -> Arrays | File:
    return decode_json(card, "application/json", plain if isinstance(plain, bytes) else json.dumps(plain).encode())


def tried(card: Card, plain) -> Arrays | File | Refused:
    try:
        return sent(card, plain)
    except Refused as error:
        return error


def refused(card: Card, plain) -> Refused:
    with pytest.raises(Refused) as caught:
        sent(card, plain)
    return caught.value


def one(dtype: str, *shape: int | None) -> Card:
    return Card(name="m", title="M", kind="arrays", inputs=(Array("x", dtype, shape),), outputs=())


@pytest.mark.parametrize(
    "wrapped", [lambda rows: rows, lambda rows: {"inputs": rows}, lambda rows: {"inputs": {"x": rows}}]
)
def test_rows_come_as_lists_alone_or_named(wrapped):
    rows = [[1, 2.5], [3, -4e-3]]
    found = sent(one("float32", 2), wrapped(rows))
    assert isinstance(found, Arrays)
    assert found.arrays["x"].dtype == np.float32
    assert np.array_equal(found.arrays["x"], np.array(rows, np.float32))


def test_a_single_row_needs_no_dimension_of_rows():
    assert sent(one("float32", 2), [1, 2]).arrays["x"].shape == (1, 2)
    assert sent(one("float32"), 3.5).arrays["x"].tolist() == [3.5]
    assert sent(one("float32"), [3.5, 4]).arrays["x"].tolist() == [3.5, 4]
    assert sent(one("float32", None), [1, 2, 3]).arrays["x"].shape == (1, 3)


def test_several_inputs_come_by_name(bikes):
    found = sent(bikes, {"inputs": {"codes": [[1, 2], [3, 4]], "numbers": [[1, 2, 3], [4, 5, 6]]}})
    assert list(found.arrays) == ["numbers", "codes"]
    assert found.rows == 2
    assert found.arrays["codes"].dtype == np.int64


def test_rows_of_a_table_are_left_to_its_reader(bikes):
    rows = [{"temp": 3.5, "season": "1", "new": None, "holiday": True}]
    for plain in ({"rows": rows}, rows, {"inputs": rows}):
        found = sent(bikes, plain)
        assert isinstance(found, File)
        assert found.suffix == ".json"
        assert json.loads(found.data) == rows


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1)
)
def test_every_float32_comes_through_json_unchanged(rows):
    exact = np.array(rows, np.float32)
    assert np.array_equal(as_rows(Array("x", "float32", (3,)), json.loads(json.dumps(exact.tolist()))), exact)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_every_int64_comes_through_json_unchanged(numbers):
    assert as_rows(Array("x", "int64", ()), numbers).tolist() == numbers


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=12,
    )
)
def test_whatever_comes_is_rows_or_is_refused_with_a_sentence(plain):
    card = one("float32", 2)
    found = tried(card, plain)
    if isinstance(found, Refused):
        assert found.status in (400, 422)
        assert str(found).endswith((".", "?"))
    else:
        assert isinstance(found, Arrays)
        assert found.arrays["x"].shape[1:] == (2,)
        assert np.isfinite(found.arrays["x"]).all()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[1, 2", "not JSON: .* in line 1, column"),
        (b"[NaN, 1]", "NaN stands in the JSON"),
        (b"[1, -Infinity]", "-Infinity stands in the JSON"),
        (b"\xff\xfe", "not UTF-8: byte 0xFF at 0"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"inputs": [1, 2], "inputs": [3, 4]}', "'inputs' stands twice"),
        (b"[" + b"1" * 5000 + b", 2]", "cannot be read"),
    ],
)
def test_what_is_no_json_is_broken(body, says):
    error = refused(one("float32", 2), body)
    assert error.status == 400
    with pytest.raises(Refused, match=says):
        raise error


@pytest.mark.parametrize(
    ("dtype", "shape", "plain", "says"),
    [
        ("float32", (2,), [[1, 2], [3]], r"ragged: \[1\] is a list of 1, where the first has 2"),
        ("float32", (2,), [[1, 2], 3], r"ragged: \[1\] is 3"),
        ("float32", (2,), [[1, 2], "ab"], r'ragged: \[1\] is "ab"'),
        ("float32", (2,), [[1, [2]], [3, 4]], r"has a list of 1 at \[0\]\[1\]"),
        (
            "float32",
            (2,),
            [[1, 2, 3]],
            r"has the shape \(1, 3\)\. The model takes float32 \(2,\) a row: send \(rows, 2\)",
        ),
        ("float32", (2,), [], r"has the shape \(0,\)"),
        ("float32", (None,), [[]], r"and so no values"),
        ("float32", (2,), [[1, None]], r"has null at \[0\]\[1\]; a number is expected"),
        ("float32", (2,), [[1, True]], r"has true at \[0\]\[1\]"),
        ("float32", (2,), [["1", 2]], r'has "1" at \[0\]\[0\]'),
        ("float32", (2,), [[1, 1e39]], r"has 1e\+39 at \[0\]\[1\], which is beyond what float32 holds"),
        ("float32", (2,), [[1, 10**400]], "has a huge number at .* beyond"),
        ("uint8", (2,), [[1, 256]], r"has 256 at \[0\]\[1\]; uint8 takes whole numbers from 0 to 255"),
        ("uint8", (2,), [[1, -1]], "has -1"),
        ("int64", (2,), [[1, 2.5]], "has 2.5"),
        ("int64", (2,), [[1, 2**63]], "takes whole numbers"),
        ("bool", (2,), [[True, 1]], r"has 1 at \[0\]\[1\]; true or false is expected"),
        ("float32", (2,), {"inputs": {"y": [1, 2]}}, "has no input 'y'; its inputs are 'x'"),
        ("float32", (2,), {"input": [1, 2]}, r"holds 'input', where {\"inputs\": .* Did you mean 'inputs'"),
        ("float32", (2,), {}, "holds nothing"),
        ("float32", (2,), {"rows": [{"a": 1}]}, "reads no rows by the names of columns"),
        ("float32", (2,), {"rows": [[1, 2]]}, '"rows" is a list of objects'),
        ("float32", (2,), "text", r"has the shape \(\)"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(dtype, shape, plain, says):
    error = refused(one(dtype, *shape), plain)
    assert error.status == 422
    with pytest.raises(Refused, match=says):
        raise error


def test_a_number_beyond_float64_is_not_taken_for_infinity():
    assert "beyond" in str(refused(one("float64", 2), b"[1, 1e999]"))


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"inputs": {"numbers": [[1, 2, 3]]}}, "lacks the input 'codes'"),
        ({"inputs": {"numbers": [[1, 2, 3]], "codes": [[1, 2], [3, 4]]}}, "'numbers' has 1, 'codes' has 2"),
        ([[1, 2, 3]], "has 2 inputs"),
        ({"rows": [{"temp": 1}, 2]}, '"rows" is a list of objects'),
        ([{"temp": 1}, 2], "Row 1 of 2 is 2"),
        ({"rows": [{"temp": [1]}]}, "Row 0 has a list of 1 in the column 'temp'"),
        (
            b'{"rows": [{"temp": 1}, {"temp": 1e999}]}',
            r"Row 1 has a number beyond 1\.8e308, .* in the column 'temp'; a smaller one or null is expected",
        ),
        (b'[{"temp": -1e999}]', "Row 0 has a number beyond"),
        (
            {"rows": [{"temp": 1, "season": "a\udc00"}]},
            r"""Row 0 has "a\\udc00", a text with half of a surrogate pair, in the column 'season'; a text of whole""",
        ),
        ({"rows": [{"\ud83d": 1}]}, r"Row 0 has a column with half of a surrogate pair: '\\ud83d'\. Send whole"),
    ],
)
def test_tables_say_what_is_wrong(bikes, plain, says):
    with pytest.raises(Refused, match=says):
        raise refused(bikes, plain)


def test_truth_values_and_whole_floats_are_taken_where_they_belong():
    assert sent(one("bool", 2), [True, False]).arrays["x"].tolist() == [[True, False]]
    assert sent(one("uint8", 2), [3.0, 4]).arrays["x"].tolist() == [[3, 4]]


def test_large_json_is_refused_before_it_is_read(crop):
    error = refused(crop, b" " * (LIMIT + 1))
    assert error.status == 413
    assert "application/x-npy" in str(error)


def test_many_keys_are_looked_through_once():
    body = json.dumps(dict.fromkeys(map(str, range(40_000)), 1))[:-1] + ', "39999": 2}'
    began = thread_time()
    with pytest.raises(Refused, match="'39999' stands twice"):
        read_json(body.encode())
    assert thread_time() - began < 2, "a search for each of them takes half a minute"


def test_whole_surrogate_pairs_are_characters(bikes):
    rows = [{"temp": 1, "season": "\U0001f6b2 ä"}]
    assert json.loads(sent(bikes, {"rows": rows}).data) == rows


def test_errors_quote_whatever_was_sent():
    found = error_bytes('"ä\ud800"\n')
    assert json.loads(found) == {"error": '"ä\\ud800"\n'}
    assert "ä".encode() in found
    assert json.loads(json_bytes({"id": "ä\ud800"})) == {"id": "ä\ud800"}


def test_answers_that_are_not_finite_are_no_json():
    assert json_bytes({"a": [1.5, "ä"]}) == '{"a":[1.5,"ä"]}'.encode()
    for number in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(Refused, match="NaN or infinite numbers, which JSON cannot"):
            json_bytes({"a": [number]})


def test_a_byte_order_mark_is_told():
    with pytest.raises(Refused, match="not JSON"):
        read_json(b"\xef\xbb\xbf[]")
