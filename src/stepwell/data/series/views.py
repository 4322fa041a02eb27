"""A table of regular rows as equal pieces of time, without a copy: the book's way to windows."""

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch import Tensor

from stepwell.core.errors import DataError


def book_view(frame: pl.DataFrame, length: int = 24) -> Float[Tensor, "pieces columns {length}"]:
    """Rows one after another as pieces of `length` rows, float32 `(N, C, L)`: N pieces, C columns, L rows in time.

    All is a view of one table `(N·L, C)` in memory, with strides `(C·L, 1, C)`. Dates become the day of the month. This is
    what Stevens et al. do with `hour-fixed.csv` (*Deep Learning with PyTorch*, row S4.4). It looks at no times: that file has
    17,520 rows for 731 days of 24 hours, since it lacks the half of 29 and of 30 October 2012, so its 730 pieces are days
    only by chance; `true_calendar` has them all. Raises `DataError` where rows are left over, and for columns of text or
    with missing values.
    """
    if length < 1 or not len(frame) or len(frame) % length:
        raise DataError(
            f"{len(frame):,} rows are no whole number of pieces of {length}; {len(frame) % max(length, 1)} are left over."
            " Fill what is missing first: true_calendar(frame, time, target).frame."
        )
    table = np.empty(frame.shape, np.float32)
    for place, column in enumerate(frame):
        table[:, place] = _numbers(column)
    return torch.from_numpy(table).view(-1, length, frame.width).transpose(1, 2)


def _numbers(column: pl.Series) -> pl.Series:
    if column.null_count():
        row = int(column.is_null().arg_true()[0])
        raise DataError(f"Column {column.name!r} has no value in row {row}; fill it, or leave the column out.")
    if column.dtype in (pl.Date, pl.Datetime):
        return column.dt.day().cast(pl.Float32)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise DataError(f"Column {column.name!r} is {column.dtype}, and no number; encode it, or leave it out.")
    return column.cast(pl.Float32)
