import sys
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stepwell.deploy.calls import Refused
from stepwell.deploy.card import Array, Card
from stepwell.deploy.protocols.npy import decode_npy, npy_bytes, read_header


def written(array, version=None) -> bytes:
    out = BytesIO()
    np.lib.format.write_array(out, np.asanyarray(array), version=version)
    return out.getvalue()


def headed(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def one(dtype: str, *shape: int | None) -> Card:
    return Card(name="m", title="M", kind="arrays", inputs=(Array("x", dtype, shape),), outputs=())


def read(card: Card, body: bytes) -> np.ndarray:
    return decode_npy(card, "application/x-npy", body).arrays["x"]


def tried(card: Card, body: bytes) -> np.ndarray | Refused:
    try:
        return read(card, body)
    except Refused as error:
        return error


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=4)), st.booleans(), st.booleans())
def test_what_numpy_writes_is_read_as_it_was(array, fortran, swapped):
    given_array = np.asfortranarray(array) if fortran else array
    body = written(given_array.astype(">f4") if swapped else given_array)
    found = read(one("float32", *array.shape[1:]), body)
    assert np.array_equal(found, array, equal_nan=True)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format_are_read(version):
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert np.array_equal(read(one("float32", 2), written(array, version)), array)


def test_the_values_are_not_copied():
    body = written(np.ones((2, 3), np.float32))
    found = read(one("float32", 3), body)
    assert not found.flags.owndata
    assert found.__array_interface__["data"][0] == np.frombuffer(body, np.uint8).__array_interface__["data"][0] + 128


def test_one_row_needs_no_dimension_of_rows():
    assert read(one("float32", 2, 3), written(np.zeros((2, 3), np.float32))).shape == (1, 2, 3)
    assert read(one("float32"), written(np.float32(4))).tolist() == [4]


@pytest.mark.parametrize(
    ("given_dtype", "want"), [("uint8", "float32"), ("float16", "float32"), ("int32", "int64"), ("bool", "uint8")]
)
def test_a_dtype_that_fits_into_the_inputs_is_widened(given_dtype, want):
    array = np.array([[0, 1]]).astype(given_dtype)
    found = read(one(want, 2), written(array))
    assert found.dtype == want
    assert found.tolist() == [[0, 1]]


@pytest.mark.parametrize(("given_dtype", "want"), [("float64", "float32"), ("int64", "float32"), ("float32", "uint8")])
def test_a_dtype_that_would_lose_something_is_refused(given_dtype, want):
    with pytest.raises(Refused, match=f'is {given_dtype}, and the model takes {want}: .*astype."{want}"') as caught:
        read(one(want, 2), written(np.zeros((1, 2), given_dtype)))
    assert caught.value.status == 422


@pytest.mark.parametrize("shape", [(3, 3), (2,), (1, 2, 1), (), (0, 3, 2), (10**17, 0, 2)])
def test_another_shape_is_refused(shape):
    body = headed(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n")
    with pytest.raises(Refused, match=r"float32 \(3, 2\) a row: send \(rows, 3, 2\)|The model takes") as caught:
        read(one("float32", 3, 2), body)
    assert caught.value.status == 422


def test_a_header_that_tells_of_more_than_is_there_is_refused_before_memory_is_taken():
    body = headed("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999, 3), }", b"\0" * 12)
    with pytest.raises(
        Refused, match=r"has 12 bytes, but float32 \(999999999999999, 3\) takes 11,999,999,999,999,988"
    ) as caught:
        read(one("float32", 3), body)
    assert caught.value.status == 400


@pytest.mark.parametrize("cut", [3, 7, 9, 40, 127, 130, -1])
def test_a_file_that_is_cut_off_is_refused(cut):
    with pytest.raises(Refused) as caught:
        read(one("float32", 3), written(np.ones((2, 3), np.float32))[:cut])
    assert caught.value.status == 400


def test_bytes_behind_the_values_are_refused():
    with pytest.raises(Refused, match="25 bytes, but float32 .* takes 24"):
        read(one("float32", 3), written(np.ones((2, 3), np.float32)) + b"\0")


class Boom:
    def __reduce__(self):
        return (sys.exit, (1,))


def test_objects_are_never_unpickled():
    body = written(np.array([Boom(), Boom()], object))
    with pytest.raises(Refused, match="'|O'.*pickle"):
        read(one("float32", 2), body)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, -3)}",
        "{'descr': '<f4', 'fortran_order': '<f4', 'shape': (1, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': True}",
        "{'descr': False, 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<U3', 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<M8', 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 40 + ")}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 40 + ",)}",
        "__import__('os').abort()",
        "",
        "{",
        "'" * 900,
        "{'shape': (" + "1" * 900,
    ],
)
def test_a_header_that_numpy_would_not_write_of_numbers_is_refused(header):
    with pytest.raises(Refused) as caught:
        read(one("float32", 3), headed(header, b"\0" * 12))
    assert caught.value.status == 400
    assert len(str(caught.value)) < 600


@given(st.binary(max_size=200))
def test_any_header_is_read_or_refused(noise):
    for body in (
        noise,
        b"\x93NUMPY" + noise,
        b"\x93NUMPY\x01\x00" + noise,
        headed(noise.decode("latin-1"), b"\0" * 12),
    ):
        found = tried(one("float32", 3), body)
        if isinstance(found, Refused):
            assert found.status in (400, 422)
        else:
            assert found.shape == (1, 3)


def test_truth_values_are_zero_or_one():
    body = written(np.array([[True, False, True]]))
    assert read(one("bool", 3), body).tolist() == [[True, False, True]]
    with pytest.raises(Refused, match="0 or 1"):
        read(one("bool", 3), body[:-1] + b"\x02")


def test_several_inputs_are_no_npy(bikes):
    with pytest.raises(Refused, match="'numbers' and 'codes'") as caught:
        decode_npy(bikes, "application/x-npy", written(np.zeros((1, 3))))
    assert caught.value.status == 422


@given(hnp.arrays(hnp.floating_dtypes() | hnp.integer_dtypes(), hnp.array_shapes()))
def test_what_is_written_is_numpys_own(array):
    if array.dtype.itemsize > 8:
        return
    found = np.load(BytesIO(npy_bytes(array[..., ::-1])), allow_pickle=False)
    assert found.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(found, array[..., ::-1], equal_nan=True)


def test_fields_may_stand_in_any_order():
    head = (
        b"\x93NUMPY\x01\x00"
        + (64).to_bytes(2, "little")
        + b"{'shape': (2,), 'fortran_order': True, 'descr': '|u1'}".ljust(64)
    )
    assert read_header(head) == (np.dtype("u1"), True, (2,))
