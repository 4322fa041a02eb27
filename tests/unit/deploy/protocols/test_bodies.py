import json
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.deploy.calls import Arrays, File, Refused
from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.bodies import decode
from stepwell.deploy.protocols.npy import npy_bytes

PNG = b"\x89PNG\r\n\x1a\nrest"
JPEG = b"\xff\xd8\xff\xe0rest"
DIGITS = Card(
    name="d",
    title="D",
    kind="images",
    inputs=(Array("input", "uint8", (1, 2, 2)),),
    outputs=(),
    files=(".png", ".jpg", ".jpeg"),
)


def form(*parts: tuple[str, bytes]) -> tuple[str, bytes]:
    """A form of parts, each with its headers."""
    body = b"".join(b"--edge\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return "multipart/form-data; boundary=edge", body + b"--edge--\r\n"


def part(name: str, data: bytes, filename: str = "", kind: str = "") -> tuple[str, bytes]:
    named = f'; filename="{filename}"' if filename else ""
    typed = f"\r\nContent-Type: {kind}" if kind else ""
    return f'Content-Disposition: form-data; name="{name}"{named}{typed}', data


def refused(card, kind, body, status) -> str:
    with pytest.raises(Refused) as caught:
        decode(card, kind, body)
    assert caught.value.status == status
    return str(caught.value)


def tried(card, kind, body) -> Arrays | File | Refused:
    try:
        return decode(card, kind, body)
    except Refused as error:
        return error


def test_raw_values_are_rows_one_behind_another(crop):
    rows = np.random.default_rng(0).normal(size=(3, 1, 4, 6, 6)).astype("<f4")
    for kind in ("application/octet-stream", "Application/Octet-Stream; x=y"):
        found = decode(crop, kind, rows.tobytes())
        assert isinstance(found, Arrays)
        assert found.rows == 3
        assert np.array_equal(found.arrays["input"], rows)


def test_raw_values_are_not_copied(crop):
    body = bytes(576)
    found = decode(crop, "application/octet-stream", body).arrays["input"]
    assert found.__array_interface__["data"][0] == np.frombuffer(body, np.uint8).__array_interface__["data"][0]


@given(st.integers(1, 2000))
def test_raw_bodies_are_whole_rows(size):
    found = tried(DIGITS, "application/octet-stream", bytes(size))
    if size % 4:
        assert f"has {size:,} bytes" in str(found)
    else:
        assert found.rows * 4 == size


def test_a_raw_body_that_is_something_else_is_told(crop):
    says = refused(crop, "application/octet-stream", npy_bytes(np.zeros((1, 4, 6, 6), np.float32)), 400)
    assert "begins like application/x-npy" in says


def test_raw_values_of_any_length_need_a_shape(waves):
    assert "float32 (any, 2)" in refused(waves, "application/octet-stream", bytes(16), 422)


def test_an_empty_body_says_what_is_taken(digits):
    says = refused(digits, "application/json", b"", 400)
    assert "application/json, application/x-npy, application/octet-stream, image/png, image/jpeg" in says


def test_files_go_to_the_reader(digits, bikes):
    for card, kind, body, suffix in (
        (digits, "image/png", PNG, ".png"),
        (digits, "image/jpeg; q=1", JPEG, ".jpg"),
        (bikes, "text/csv; charset=utf-8", b"a,b\n1,2\n", ".csv"),
        (bikes, "application/vnd.apache.parquet", b"PAR1", ".parquet"),
    ):
        found = decode(card, kind, body)
        assert isinstance(found, File)
        assert (found.data, found.suffix) == (body, suffix)


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/csv", "image/gif", "text/html", "x", "application/x-python-pickle"]
)
def test_other_content_types_are_refused(digits, kind):
    says = refused(digits, kind, b"body", 415)
    assert kind in says
    assert "image/png" in says


def test_a_list_of_paths_is_never_read_for_pictures(digits):
    assert "reads no" in refused(digits, "text/csv", b"file\n/etc/passwd\n", 415)
    refused(digits, *form(part("file", b"file\n/etc/passwd\n", "paths.csv")), 415)


@pytest.mark.parametrize("kind", ["", "application/x-www-form-urlencoded"])
def test_a_body_that_curl_gives_no_type_is_told_by_its_first_bytes(digits, crop, kind):
    assert decode(digits, kind, PNG).suffix == ".png"
    assert decode(digits, kind, JPEG).suffix == ".jpg"
    assert decode(crop, kind, npy_bytes(np.zeros((2, 1, 4, 6, 6), np.float32))).rows == 2
    assert decode(crop, kind, json.dumps({"inputs": np.zeros((1, 4, 6, 6)).tolist()}).encode()).rows == 1
    assert "does not say what its body is" in refused(crop, kind, PNG, 415)
    assert "does not say" in refused(digits, kind, b"a,b\n1,2", 415)
    assert decode(digits, kind, b"anything", default_file=".png").suffix == ".png"


def test_the_books_form_of_a_shape_and_its_values(crop):
    values = np.random.default_rng(1).normal(size=(1, 4, 6, 6)).astype(np.float32)
    meta = part("meta", json.dumps({"shape": [1, 4, 6, 6]}).encode(), "meta.json", "application/json")
    found = decode(crop, *form(meta, part("blob", values.tobytes(), "blob.bin", "application/octet-stream")))
    assert np.array_equal(found.arrays["input"][0], values)


def test_a_blob_may_have_rows_and_a_dtype(crop):
    values = np.arange(2 * 144).reshape(2, 1, 4, 6, 6).astype(np.int16)
    meta = {"shape": list(values.shape), "dtype": "int16"}
    found = decode(crop, *form(part("meta", json.dumps(meta).encode()), part("blob", values.tobytes())))
    assert np.array_equal(found.arrays["input"], values)
    assert found.arrays["input"].dtype == np.float32


@pytest.mark.parametrize(
    ("meta", "size", "status", "says"),
    [
        ({"shape": [1, 4, 6, 6]}, 575, 400, "`blob` has 575 bytes, but float32"),
        ({"shape": [1, 4, 6, 7]}, 672, 422, "shape \\(1, 4, 6, 7\\)"),
        ({"shape": [1, 4, 6, 10**17]}, 4, 422, "shape"),
        ({"shape": "1,4"}, 4, 422, "meta"),
        ({"shape": [True, 4]}, 4, 422, "meta"),
        ({"shape": [1, 4, 6, 6.0]}, 576, 422, "meta"),
        ({"shape": [-1, 4, 6, 6]}, 576, 422, "meta"),
        ({"shape": [1, 4, 6, 6], "type": "f4"}, 576, 422, "meta"),
        ({"shape": [1, 4, 6, 6], "dtype": "object"}, 576, 422, "dtype 'object'"),
        ({"shape": [1, 4, 6, 6], "dtype": 3}, 576, 422, "dtype '3'"),
        ({"shape": [1, 4, 6, 6], "dtype": "float64"}, 1152, 422, "is float64, and the model takes float32"),
        ([1, 4, 6, 6], 576, 422, "meta"),
    ],
)
def test_a_blob_that_does_not_fit_is_refused(crop, meta, size, status, says):
    kind, body = form(part("meta", json.dumps(meta).encode()), part("blob", bytes(size)))
    with pytest.raises(Refused, match=says):
        decode(crop, kind, body)
    refused(crop, kind, body, status)


def test_a_form_with_one_file(digits, bikes, crop):
    assert decode(digits, *form(part("file", PNG, "a.PNG", "image/png"))).suffix == ".png"
    assert decode(digits, *form(part("photo", PNG, "a b", "image/png"))).suffix == ".png"
    assert decode(digits, *form(part("file", PNG, "a.png", "application/octet-stream"))).suffix == ".png"
    assert decode(bikes, *form(part("file", b"a\n1\n", "new.csv", "text/plain"))).suffix == ".csv"
    npy = npy_bytes(np.zeros((1, 4, 6, 6), np.float32))
    assert decode(crop, *form(part("file", npy, "crop.npy", "application/octet-stream"))).rows == 1
    assert decode(crop, *form(part("file", bytes(576), "crop.bin", "application/octet-stream"))).rows == 1


@given(st.binary(max_size=300))
def test_a_forms_data_comes_through_whatever_it_holds(data):
    data = data.replace(b"--edge", b"")
    assert decode(DIGITS, *form(part("file", data or b"x", "a.png"))).data == (data or b"x")


def test_data_that_looks_like_an_edge_comes_through():
    data = b"\r\n--edg\r\n--\r\r\n-"
    assert decode(DIGITS, *form(part("file", data, "a.png"))).data == data


@pytest.mark.parametrize("cut", [1, 5, 30, 90, -3, -4, -9, -20])
def test_a_form_that_is_cut_off_is_refused(cut):
    kind, body = form(part("file", PNG, "a.png", "image/png"))
    refused(DIGITS, kind, body[:cut], 400)


def test_a_form_needs_no_line_feed_at_its_end():
    kind, body = form(part("file", PNG, "a.png", "image/png"))
    assert decode(DIGITS, kind, body[:-2]).data == PNG


@pytest.mark.parametrize(
    ("kind", "body", "status", "says"),
    [
        ("multipart/form-data", b"--edge--", 400, "no boundary"),
        ("multipart/form-data; boundary=" + "e" * 500, b"--e", 400, "cannot be read"),
        ("multipart/form-data; boundary=edge", b"hello", 400, "cannot be read"),
        (*form(part("a", b"1"), part("b", b"2")), 422, "parts 'a' and 'b'"),
        (*form(part("meta", b"{}"), part("meta", b"{}")), 400, "Two parts of the form are named .meta."),
        (*form(*[part(str(i), b"1") for i in range(9)]), 400, "more than 8 parts"),
        (*form(part("text", b"1")), 422, "parts 'text'"),
        (*form(part("file", b"--x--", "a", "multipart/form-data; boundary=x")), 415, "a form itself"),
        (*form(part("file", b"1", "a.exe", "application/x-thing")), 415, "reads no"),
    ],
)
def test_forms_that_cannot_be_read_say_why(kind, body, status, says):
    with pytest.raises(Refused, match=says):
        decode(DIGITS, kind, body)
    refused(DIGITS, kind, body, status)


@given(
    st.binary(max_size=400),
    st.sampled_from(["application/json", "application/x-npy", "", "multipart/form-data; boundary=e"]),
)
def test_any_body_is_rows_or_is_refused(body, kind):
    found = tried(DIGITS, kind, body)
    if isinstance(found, Refused):
        assert found.status in (400, 413, 415, 422)
    else:
        assert isinstance(found, File) or found.arrays["input"].shape[1:] == (1, 2, 2)


def test_values_that_are_not_aligned_are_copied(crop):
    out = BytesIO()
    np.save(out, np.zeros((1, 4, 6, 6), np.float32))
    body = out.getvalue()
    odd = body[:8] + (int.from_bytes(body[8:10], "little") + 1).to_bytes(2, "little") + body[10:128] + b" " + body[128:]
    assert decode(crop, "application/x-npy", odd).arrays["input"].flags.aligned


def test_a_csv_whose_line_breaks_are_lost_is_told_from_one_that_lacks_columns(bikes):
    assert "--data-binary" in refused(bikes, "text/csv", b"temp,season1,2", 400)
    assert decode(bikes, "text/csv", b"temp,season\r1,2").suffix == ".csv"
