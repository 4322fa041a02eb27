"""Windows of a series: so many steps of the past and of what comes next, gathered when they are asked for.

T time steps, N rows, W window, H horizon, C channels of the past, K channels that are known ahead.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.batch import Batch, Source
from stepwell.data.splits import Split

_BYTES = 4


class Windows(Source):
    """All windows of a series; row i takes the steps i to i+W as past, and the H steps after them as horizon.

    `past` `(T, C)` has the target, in its units, as its first channel; `known` `(T, K)` is known ahead of time. A batch's
    inputs are the dict of `past` `(n, W, C)` and `known` `(n, H, K)` of the horizon; its targets are `(n, H)`. Only the
    series is held; windows are copied as they are gathered. Raises `DataError` for a series that is too short.
    """

    def __init__(
        self, past: Float[Tensor, "steps channels"], known: Float[Tensor, "steps known"], window: int, horizon: int
    ) -> None:
        check_sizes(window, horizon)
        if len(past) < window + horizon:
            raise DataError(
                f"The series has {len(past)} steps; a window of {window} and its horizon of {horizon} take"
                f" {window + horizon}. Give a longer series, or smaller --window and --horizon."
            )
        self.past, self.known = past.contiguous(), known.contiguous()
        self.window, self.horizon = window, horizon
        self.row_bytes = _BYTES * (window * past.shape[1] + horizon * (known.shape[1] + 1))

    def __len__(self) -> int:
        return len(self.past) - self.window - self.horizon + 1

    def batch(self, index: Tensor, key: Key) -> Batch:
        """One gather of rows of the series for the past, and one for what is known."""
        start = index.unsqueeze(1)
        ahead = start + torch.arange(self.window, self.window + self.horizon)
        past = _rows(self.past, start + torch.arange(self.window))
        targets = self.past[:, 0].index_select(0, ahead.reshape(-1)).view(ahead.shape)
        return Batch({"past": past, "known": _rows(self.known, ahead)}, targets, index)


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """`table[index]`, three times as fast."""
    return table.index_select(0, index.reshape(-1)).view(*index.shape, table.shape[1])


def check_sizes(window: int, horizon: int) -> None:
    """Raise `DataError` unless both are 1 at least."""
    for name, steps in (("window", window), ("horizon", horizon)):
        if steps < 1:
            raise DataError(f"The {name} is {steps} steps; it must be 1 at least.")


def split_windows(
    filled: np.ndarray[Any, np.dtype[np.bool_]],
    window: int,
    horizon: int,
    *,
    val: float,
    test: float,
    stride: int = 1,
) -> Split:
    """The rows of `Windows` whose window and horizon lie within one side; the last steps are test, those before val.

    `filled` `(T,)` marks steps whose target was made up: windows whose horizon touches one are left out. `val` and `test`
    are shares of the steps. `stride` takes every so-manieth training window. Raises `DataError` where a side has none.
    """
    check_sizes(window, horizon)
    if stride < 1:
        raise DataError(f"The stride is {stride} steps; it must be 1 at least.")
    borders = side_borders(len(filled), val=val, test=test)
    rows = {side: _side(side, filled, *border, window, horizon) for side, border in borders.items()}
    rows["train"] = rows["train"][::stride]
    how = f"windows(window={window}, horizon={horizon}, val={val}, test={test}, stride={stride})"
    return Split(how, {side: torch.from_numpy(numbers) for side, numbers in rows.items()})


def side_borders(steps: int, *, val: float, test: float) -> dict[str, tuple[int, int]]:
    """The first step of each side and the one after its last; sides without a share are left out."""
    if min(val, test) < 0 or val + test >= 1:
        raise DataError(f"val is {val} and test {test}; they are shares from 0 to 1 that leave some for training.")
    first, second = round(steps * (1 - val - test)), round(steps * (1 - test))
    borders = {"train": (0, first), "val": (first, second), "test": (second, steps)}
    return {side: border for side, border in borders.items() if side == "train" or (val if side == "val" else test)}


def _side(side: str, filled: Any, start: int, end: int, window: int, horizon: int) -> Any:
    rows = np.arange(start, end - window - horizon + 1)
    if not len(rows):
        raise DataError(
            f"The side {side} has {end - start} steps; a window of {window} and its horizon of {horizon} take"
            f" {window + horizon}. Give it a larger share, or take smaller --window and --horizon."
        )
    made_up = np.concatenate([[0], np.cumsum(filled)])
    scored = rows[made_up[rows + window + horizon] == made_up[rows + window]]
    if not len(scored):
        raise DataError(
            f"All {len(rows)} windows of the side {side} have a missing value in their horizon of {horizon} steps. Take a"
            " smaller --horizon, average the rows to a coarser step, or fill the gaps in the file."
        )
    return scored
