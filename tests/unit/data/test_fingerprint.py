import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.data.arrays import ArraySource, Subset
from stepwell.data.fingerprint import bytes_of_rows, fingerprint

X = torch.arange(12.0).reshape(6, 2)
Y = torch.arange(6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 20))
def test_does_not_depend_on_the_block_size(rows):
    source = ArraySource({"a": X, "b": Y}, Y)
    assert fingerprint(source, rows) == fingerprint(source)


def test_is_64_hexadecimal_digits_and_stays_as_it_is():
    assert fingerprint(ArraySource(X, Y)) == "b5052b61f814483566a566175d935489bec6dd85e60f90a0918b1ddc3a6e3c10"


@pytest.mark.parametrize(
    "other",
    [
        ArraySource(X),
        ArraySource(X, Y.to(torch.int32)),
        ArraySource(X.reshape(6, 1, 2), Y),
        ArraySource(X[:5], Y[:5]),
        ArraySource(X.flip(0), Y),
        ArraySource({"x": X}, Y),
        ArraySource(X, Y + (Y == 5)),
        ArraySource(X.view(torch.int32), Y),
    ],
)
def test_everything_counts(other):
    assert fingerprint(other) != fingerprint(ArraySource(X, Y))


def test_memory_layout_does_not_count():
    assert fingerprint(ArraySource(X.t().contiguous().t(), Y)) == fingerprint(ArraySource(X, Y))
    assert fingerprint(Subset(ArraySource(X, Y), torch.arange(6))) == fingerprint(ArraySource(X, Y))


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.bfloat16, torch.float64, torch.complex64])
def test_bytes_of_every_dtype(dtype):
    assert bytes_of_rows(torch.ones(3, 5, dtype=dtype)).shape == (3, 5 * dtype.itemsize)
    assert bytes_of_rows(torch.ones(3, dtype=dtype)).shape == (3, dtype.itemsize)
    assert bytes_of_rows(torch.ones(3, 0, dtype=dtype)).shape == (3, 0)
