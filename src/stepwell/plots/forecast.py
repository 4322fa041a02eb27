"""A forecast beside what came true."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from stepwell.plots.lines import label_ends
from stepwell.plots.style import (
    BLUE,
    SMALL_SIZE,
    SOFT,
    VERMILLION,
    Array,
    Look,
    canvas,
    figure_of,
    floats,
    name_axes,
    paired,
    say,
)

_LOOKS = {
    "true": Look(SOFT, "-", "o"),
    "naive": Look(VERMILLION, (0, (1.2, 1.3)), "s"),
    "forecast": Look(BLUE, "-", "^"),
}
_WIDTHS = {"true": 3.2, "naive": 1.1, "forecast": 1.4}
_FEW = 3
_DAY = 86_400_000_000  # microseconds
_MINUTES, _MONTH, _YEAR = 1440, 27.5, 364.5  # in a day; in days
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def forecast(
    times: npt.ArrayLike,
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    naive: npt.ArrayLike | None = None,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    name: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw what was forecast as a thin line over what came true, a broad pale one.

    `times` are dates (`datetime64`, or ISO texts such as `2012-12-31 23:00`) or plain numbers. `naive` is a forecast to
    compare with, `low` and `high` bound a band, `name` is what was forecast. NaN is a gap, such as a truth that is not yet
    known. Raises `ValueError` where lengths differ.
    """
    ax = canvas(ax, 8.0, 3.2)
    x, are_dates = _places(times)
    given = {"true": truth, "naive": naive, "forecast": predicted}
    lines = {label: paired(x, values, label) for label, values in given.items() if values is not None}
    name_axes(ax, "" if are_dates else "time", name)
    drawn = {label: points for label, points in lines.items() if np.isfinite(points[0] + points[1]).any()}
    if not drawn:
        say(ax, "no finite value to draw")
        return figure_of(ax)
    if low is not None and high is not None:
        _band(ax, x, paired(x, low, "low")[1], paired(x, high, "high")[1])
    for label, points in drawn.items():
        _line(ax, label, *points)
    ax.margins(x=0.01)
    if are_dates:
        _name_dates(ax, x)
    label_ends(ax, drawn, [_LOOKS[label] for label in drawn])
    return figure_of(ax)


def _places(times: npt.ArrayLike) -> tuple[Array, bool]:
    """Times as numbers on the axis, and whether they are dates. Raises `ValueError` for texts that are no dates."""
    array: Any = np.asarray(times)
    if array.size and array.dtype.kind in "bifu":
        return floats(array), False
    dates = array.astype("datetime64[us]").reshape(-1)
    return np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / _DAY), True  # matplotlib counts days since 1970


def _name_dates(ax: Axes, x: Array) -> None:
    """Few ticks, in the largest unit that tells them apart, and the whole dates of both ends below."""
    locator: Any = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _written(value, ax.get_xticks())))
    first, last = (str(_moment(value))[:10] for value in (np.nanmin(x), np.nanmax(x)))
    ax.set_xlabel(first if first == last else f"{first} to {last}", color=SOFT, fontsize=SMALL_SIZE)


def _moment(days: float) -> Any:
    """A place on the axis, in days since 1970, as a time."""
    return np.datetime64(round(days * 86_400), "s").item()


def _written(value: float, ticks: npt.ArrayLike) -> str:
    gap = float(np.min(np.diff(ticks))) if np.size(ticks) > 1 else 1.0
    moment = _moment(value)
    if gap < 1 and (moment.hour or moment.minute or moment.second):
        return f"{moment:%H:%M}" if gap * _MINUTES >= 1 else f"{moment:%H:%M:%S}"
    if gap < _MONTH:
        return f"{moment.day} {_MONTHS[moment.month - 1]}"
    return str(moment.year) if gap > _YEAR else f"{_MONTHS[moment.month - 1]} {moment.year}"


def _line(ax: Axes, label: str, x: Array, y: Array) -> None:
    how = _LOOKS[label]
    alone = len(x) <= _FEW
    ax.plot(
        x,
        y,
        color=how.colour,
        linestyle=how.dashes,
        linewidth=_WIDTHS[label],
        alpha=0.45 if label == "true" else 1.0,
        marker=how.marker if alone else "",
        markersize=5 if alone else 0,
        label="_",
    )


def _band(ax: Axes, x: Array, low: Array, high: Array) -> None:
    ax.fill_between(x, low, high, where=(np.isfinite(low + high)).tolist(), color=BLUE, alpha=0.15, linewidth=0)
