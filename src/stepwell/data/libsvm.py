"""The libsvm text format: a label and `feature:value` fields a line, features that are 0 left out."""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from stepwell.core.errors import DataError

Array = np.ndarray[Any, Any]

_DENSE_BYTES = 2**32  # a dense table that is larger is refused, as most of it are zeros


class _Fields(NamedTuple):
    """All fields of a file: the row of each, its number as it is written, its value; and the label and line of each row."""

    rows: Array
    numbers: Array
    values: Array
    labels: Array
    lines: list[int]


def read_libsvm(path: Path | str, features: int | None = None, *, sparse: bool = False) -> tuple[Tensor, Tensor]:
    """Inputs (float32, `(rows, features)`) and targets (float32, `(rows,)`) of a libsvm file.

    Features are numbered from 1; a file in which a 0 occurs is taken to count from 0. `features` says how many there are
    (default: the largest number that occurs), so that the files of a training and a test set agree. `sparse=True` gives
    the inputs as a coalesced sparse tensor. What follows `#` is a comment; `qid:` fields are passed over. Class labels go
    through `data.tensors.as_classes`.

    Raises `DataError` with line and field for a label or field that cannot be read, a feature that occurs twice or is
    beyond `features`; and for a dense table of more than 4 GiB. Source: Raff, *Inside Deep Learning*, exercise 1.6.
    """
    path = Path(path)
    found = _read(path)
    first = 0 if (found.numbers == 0).any() else 1
    columns = found.numbers - first
    largest = int(columns.max(initial=-1)) + 1
    if features is not None and largest > features:
        at = int(found.rows[int(np.argmax(columns >= features))])
        raise DataError(
            f"{path}, line {found.lines[at]}: feature {int(columns[columns >= features][0]) + first} is beyond the {features}"
            f" features that were given. The file has {largest}: give features={largest}."
        )
    shape = (len(found.labels), largest if features is None else features)
    inputs = torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([found.rows, columns])),
        torch.from_numpy(found.values.astype(np.float32)),
        shape,
        check_invariants=True,
    ).coalesce()
    return inputs if sparse else _dense(inputs, path), torch.from_numpy(found.labels.astype(np.float32))


def _dense(inputs: Tensor, path: Path) -> Tensor:
    needed = inputs.shape[0] * inputs.shape[1] * 4
    if needed > _DENSE_BYTES:
        raise DataError(
            f"{path}: {inputs.shape[0]:,} rows of {inputs.shape[1]:,} features are {needed / 2**30:.1f} GiB as a dense table,"
            f" and only {inputs.values().numel():,} of them are not 0. Read it with sparse=True."
        )
    return inputs.to_dense()


def _read(path: Path) -> _Fields:
    rows, numbers, values, labels, lines = array("q"), array("q"), array("d"), array("d"), list[int]()
    for line, label, fields in _parsed(path):
        for number, value in fields.items():
            rows.append(len(labels))
            numbers.append(number)
            values.append(value)
        labels.append(label)
        lines.append(line)
    if not labels:
        raise DataError(f"{path} has no rows.")
    return _Fields(np.array(rows), np.array(numbers), np.array(values), np.array(labels), lines)


def _parsed(path: Path) -> Iterator[tuple[int, float, dict[int, float]]]:
    """Line number, label and fields of each row."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line, text in enumerate(file, 1):
                if parts := text.partition("#")[0].split():
                    where = f"{path}, line {line}"
                    yield line, _number(parts[0], f"{where}: the label"), _fields(parts[1:], where)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text: byte {error.start} is none of UTF-8. A libsvm file is due.") from None


def _fields(texts: list[str], where: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for place, text in enumerate(texts, 1):
        name, colon, value = text.partition(":")
        if name == "qid":
            continue
        if not colon or not (name.isascii() and name.isdigit() and len(name) < 19):
            raise DataError(f"{where}, field {place}: {text!r} is no feature:value, such as 3:0.5.")
        if int(name) in found:
            raise DataError(f"{where}, field {place}: feature {name} occurs twice in this row.")
        found[int(name)] = _number(value, f"{where}, field {place}: the value of feature {name}")
    return found


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{what} is {text!r}, which is no number.") from None
