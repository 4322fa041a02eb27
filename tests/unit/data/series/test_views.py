from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from stepwell.core.errors import DataError
from stepwell.data.series.views import book_view


def table(rows: int = 48) -> pl.DataFrame:
    days = [date(2011, 1, 1) + timedelta(days=row // 24) for row in range(rows)]
    return pl.DataFrame({"day": days, "hour": [row % 24 for row in range(rows)], "cnt": np.arange(rows) / 2})


def test_it_is_a_view_of_one_table():
    view = book_view(table())
    assert (tuple(view.shape), view.stride()) == ((2, 3, 24), (72, 1, 3))
    assert view.untyped_storage().nbytes() == 48 * 3 * 4
    assert view[1, 0].tolist() == [2.0] * 24  # the day of the month
    assert view[1, 1].tolist() == list(range(24))
    assert view[1, 2].tolist() == [row / 2 for row in range(24, 48)]
    assert book_view(table(), 8).shape == (6, 3, 8)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table(47), "47 rows are no whole number of pieces of 24; 23 are left over"),
        (table(0), "0 rows are no whole number"),
        (table().with_columns(cnt=pl.lit("x")), "Column 'cnt' is String, and no number"),
        (table().with_columns(cnt=pl.lit(None, pl.Float64)), "Column 'cnt' has no value in row 0"),
    ],
)
def test_what_it_cannot_view(frame, said):
    with pytest.raises(DataError, match=said):
        book_view(frame)
