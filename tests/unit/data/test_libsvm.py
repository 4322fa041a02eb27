"""The libsvm format."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from stepwell.core.errors import DataError
from stepwell.data import read_libsvm

TEXT = """# made by hand
+1 1:0.5 3:-2e1   # the first
-1 2:3

1 qid:7 4:.25 1:1
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "rows.svm"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_read(tmp_path: Path) -> None:
    inputs, targets = read_libsvm(written(tmp_path, TEXT))
    assert inputs.tolist() == [[0.5, 0, -20, 0], [0, 3, 0, 0], [1, 0, 0, 0.25]]
    assert targets.tolist() == [1, -1, 1]
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.float32)


@given(
    data=st.lists(
        st.lists(st.sampled_from([0.0, 0.0, 1.0, -2.5, 1e-3]), min_size=5, max_size=5), min_size=1, max_size=8
    ),
    zero=st.booleans(),
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_reads_what_sklearn_writes_and_as_sklearn_reads(data: list[list[float]], zero: bool, tmp_path: Path) -> None:
    path = tmp_path / "rows.svm"
    dump_svmlight_file(np.array(data), np.arange(len(data)), str(path), zero_based=zero)
    count = 6
    due, labels = load_svmlight_file(str(path), n_features=count, zero_based="auto")
    inputs, targets = read_libsvm(path, features=count)
    assert np.array_equal(inputs.numpy(), due.toarray().astype(np.float32))
    assert targets.tolist() == labels.tolist()


def test_sparse_inputs_are_the_dense_ones(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    sparse, _ = read_libsvm(path, features=6, sparse=True)
    assert sparse.is_coalesced()
    assert torch.equal(sparse.to_dense(), read_libsvm(path, features=6)[0])
    assert sparse.shape == (3, 6)


def test_rows_without_features_and_features_from_zero(tmp_path: Path) -> None:
    assert read_libsvm(written(tmp_path, "1\n2\n"))[0].shape == (2, 0)
    assert read_libsvm(written(tmp_path, "1\n2\n"), features=3)[0].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert read_libsvm(written(tmp_path, "1 0:5 2:1\n"))[0].tolist() == [[5, 0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1:2\nx 1:2\n", r"rows\.svm, line 2: the label is 'x', which is no number\."),
        ("1 1:2\n\n1 1:2 7\n", r"line 3, field 2: '7' is no feature:value, such as 3:0\.5\."),
        ("1 1:2 -3:7\n", r"line 1, field 2: '-3:7' is no feature:value"),
        ("1 99999999999999999999:7\n", r"line 1, field 1: .* is no feature:value"),
        ("1 1:a\n", r"line 1, field 1: the value of feature 1 is 'a', which is no number\."),
        ("1 1:2 1:3\n", r"line 1, field 2: feature 1 occurs twice in this row\."),
        ("1,2 1:2\n", r"line 1: the label is '1,2'"),
        ("# nothing\n", r"has no rows\."),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_field(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_libsvm(written(tmp_path, text))


def test_features_beyond_those_given_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"line 2: feature 3 is beyond the 2 features that were given\. .* features=4\."
    ):
        read_libsvm(written(tmp_path, TEXT), features=2)


def test_a_dense_table_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "1 2000000000:1\n0 1:1\n")
    with pytest.raises(DataError, match=r"2 rows of 2,000,000,000 features are 14\.9 GiB .*only 2 .* sparse=True"):
        read_libsvm(path)
    assert read_libsvm(path, sparse=True)[0].shape == (2, 2_000_000_000)


def test_files_that_are_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        read_libsvm(tmp_path / "none.svm")
    (tmp_path / "x.svm").write_bytes(b"1 1:2\n\xff\xfe")
    with pytest.raises(DataError, match="is no text: byte"):
        read_libsvm(tmp_path / "x.svm")
