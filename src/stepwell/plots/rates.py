"""Learning rates, or momenta, of the steps of a training."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stepwell.plots.curves import log_scale
from stepwell.plots.lines import draw_lines
from stepwell.plots.style import Array, canvas, figure_of, floats, name_axes


def rates(
    series: Mapping[str, npt.ArrayLike],
    *,
    per_epoch: int | None = None,
    ylabel: str = "learning rate",
    log: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw what schedules do: a number for each step by name, such as `{"StepLR": …}`, each held until the next step.

    With `per_epoch` steps an epoch the x axis counts epochs. `log` is for rates that fall over decades, and leaves out what is
    not positive; so is NaN. Momenta are drawn the same way, with `ylabel="momentum"`. Book rows: Godoy S39, S40.
    """
    ax = canvas(ax)
    name_axes(ax, "step" if per_epoch is None else "epoch", ylabel)
    drawn = {name: _stairs(floats(values), per_epoch or 1, log=log) for name, values in series.items()}
    known = [y[np.isfinite(y)] for _, y in drawn.values()]
    if log and any(map(len, known)):
        log_scale(ax, np.concatenate(known))
    else:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    draw_lines(ax, drawn)
    return figure_of(ax)


def _stairs(values: Array, per_epoch: int, *, log: bool) -> tuple[Array, Array]:
    """Both ends of each step: its number, counted from 0, and the next."""
    known = np.where(values > 0, values, np.nan) if log else values
    number = np.arange(len(known), dtype=np.float64)
    return np.stack([number, number + 1], axis=1).reshape(-1) / per_epoch, np.repeat(known, 2)
