import numpy as np
import pytest

from stepwell import plots

HOURS = np.datetime64("2012-12-31T10:00") + np.arange(48) * np.timedelta64(1, "h")
Y = np.arange(48.0)


def ticks(figure) -> list[str]:
    figure.canvas.draw()
    return [label.get_text() for label in figure.axes[0].get_xticklabels() if label.get_text()]


def test_lines_names_and_band():
    figure = plots.forecast(HOURS, Y, Y + 1, naive=Y - 1, low=Y, high=Y + 2, name="rentals")
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["true", "naive", "forecast"]
    assert [line.get_ydata().tolist() for line in ax.lines] == [Y.tolist(), (Y - 1).tolist(), (Y + 1).tolist()]
    assert len(ax.collections) == 1
    assert ax.get_title(loc="left") == "rentals"
    assert (
        len({(line.get_linewidth(), str(line.get_linestyle())) for line in ax.lines}) == 3
    )  # told apart without colour


@pytest.mark.parametrize(
    ("times", "first", "below"),
    [
        (HOURS, "1 Jan", "2012-12-31 to 2013-01-02"),
        ([str(each) for each in HOURS], "1 Jan", "2012-12-31 to 2013-01-02"),
        (np.arange("2012-01-03", "2012-02-20", dtype="M8[D]"), "15 Jan", "2012-01-03 to 2012-02-19"),
        (np.arange("2008-01", "2012-01", dtype="M8[M]"), "2009", "2008-01-01 to 2011-12-01"),
        (np.datetime64("2012-01-01T08:01") + np.arange(48) * np.timedelta64(5, "m"), "09:00", "2012-01-01"),
        (np.datetime64("2012-01-01T08:01") + np.arange(48) * np.timedelta64(1, "s"), "08:01:20", "2012-01-01"),
    ],
)
def test_dates_are_readable(times, first, below):
    figure = plots.forecast(times, Y[: len(times)], Y[: len(times)])
    assert first in ticks(figure)
    assert figure.axes[0].get_xlabel() == below
    assert 2 <= len(ticks(figure)) <= 11


def test_numbers_are_no_dates():
    figure = plots.forecast(range(48), Y, Y)
    assert "20" in ticks(figure)
    assert figure.axes[0].get_xlabel() == "time"


def test_a_truth_that_is_not_yet_known_is_left_out():
    figure = plots.forecast(HOURS, [None] * 48, Y)
    assert [text.get_text() for text in figure.axes[0].texts] == ["forecast"]


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="'forecast' has 47 values for 48 places"):
        plots.forecast(HOURS, Y, Y[:47])
