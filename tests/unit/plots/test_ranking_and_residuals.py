"""What the plots of a report's results show: bars, ROC and precision-recall curves, residuals."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from stepwell import plots
from stepwell.plots.style import BLUE, LINE


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_bars_start_at_zero_and_carry_their_values() -> None:
    figure = plots.bars(["network", "linear"], [2.5, 10.0], xlabel="RMSE")
    ax = figure.axes[0]
    assert texts(figure) == ["2.5", "10"]
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 2.5), (0, 10)]
    assert ax.get_title(loc="left") == "RMSE"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["network", "linear"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


@pytest.mark.parametrize(("highlight", "full"), [(0, [0]), (1, [1]), (None, [0, 1]), (-1, [])])
def test_bars_draw_full_what_the_others_are_compared_with(highlight: int | None, full: list[int]) -> None:
    patches = plots.bars(["a", "b"], [1, 2], highlight=highlight).axes[0].patches
    fills = [to_hex(patch.get_facecolor()) for patch in patches]
    assert fills == [BLUE if place in full else LINE for place in range(2)]


def test_bars_say_what_is_not_known_and_refuse_other_lengths() -> None:
    assert texts(plots.bars(["a", "b"], [1, np.nan])) == ["1", "not known"]
    with pytest.raises(ValueError, match="There are 1 values for 2 bars; give one for each"):
        plots.bars(["a", "b"], [1])


def test_roc_and_precision_recall_put_names_areas_and_marks_where_they_belong() -> None:
    roc = plots.roc([0, 0.5, 1], [0, 0.9, 1], area=0.71, mark=(0.5, 0.9))
    pairs = plots.precision_recall([1, 0.5], [0, 1], area=0.6, share=0.5, mark=(1, 0.5))
    assert texts(roc) == ["area 0.710"]
    assert texts(pairs) == ["average precision 0.600"]
    assert (roc.axes[0].get_xlabel(), pairs.axes[0].get_xlabel()) == ("false positive rate", "recall")
    curve, guess, mark = roc.axes[0].lines
    assert curve.get_ydata().tolist() == [0, 0.9, 1]
    assert list(guess.get_xdata()) == list(guess.get_ydata()) == [0, 1]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([0.5], [0.9])
    assert pairs.axes[0].lines[0].get_xdata().tolist() == [0, 1]
    assert pairs.axes[0].lines[1].get_ydata()[0] == 0.5


def test_residuals_mark_zero_and_the_interval() -> None:
    lines = plots.residuals([1, 2], [0.5, -0.5], low=-0.4, high=0.4).axes[0].lines
    assert [line.get_ydata()[0] for line in lines[1:]] == [0, -0.4, 0.4]


def test_a_histogram_counts_every_row_and_names_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=500)
    figure = plots.histogram([*values, np.nan, np.inf], low=-1.5, high=1.25)
    counts = figure.axes[0].patches[0].get_data().values
    assert counts.sum() == 500
    assert 5 <= len(counts) <= 60
    assert texts(figure) == ["−1.5", "1.25"]
