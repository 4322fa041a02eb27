"""What plots of points, functions and tables of numbers show."""

from functools import partial

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell import plots

X = np.linspace(0.0, 1.0, 20)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def key(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def test_groups_differ_in_marker_and_are_named_above() -> None:
    figure = plots.groups({"train": (X, X), "validation": (X, -X)}, lines={"fit": (X, X)})
    first, second, line = figure.axes[0].lines
    assert first.get_marker() != second.get_marker()
    assert key(figure) == ["train", "validation"]
    assert texts(figure) == ["fit"]
    assert line.get_xydata().tolist() == np.stack([X, X], axis=1).tolist()


def test_a_single_group_needs_no_key() -> None:
    assert key(plots.groups({"train": (X, X)})) == []


def test_groups_refuse_points_without_a_y() -> None:
    with pytest.raises(ValueError, match="'a' has 1 values for 2 places"):
        plots.groups({"a": ([1, 2], [1])})


def test_errors_reach_from_the_truth_to_the_prediction() -> None:
    figure = plots.errors([0, 1, 2], [0, 1, 5], [1, 1, 1], rows=[2])
    (segments,) = figure.axes[0].collections
    assert segments.get_segments()[0].tolist() == [[2, 5], [2, 1]]
    assert "error −4" in texts(figure)
    assert not any("error" in text for text in texts(plots.errors([0, 1], [0, 1], [1, 1])))


def test_progress_names_short_lines_at_their_ends_and_long_ones_beside_the_axes() -> None:
    figure = plots.progress({"long": (X, X), "short": (X[:5], X[:5])}, xlabel="seconds", ylabel="accuracy")
    long, short = figure.axes[0].texts
    assert long.get_position()[0] == 1.02
    assert short.xy == (X[4], X[4])


def test_progress_marks_places() -> None:
    figure = plots.progress({"a": (X, X)}, xlabel="epoch", ylabel="loss", marks={"checkpoint": 0.5})
    assert "checkpoint" in texts(figure)
    assert figure.axes[0].lines[-1].get_xdata() == [0.5, 0.5]


def test_progress_on_logarithmic_scales_leaves_out_what_is_not_positive() -> None:
    ax = plots.progress({"a": ([0, 1, 10], [1, 0, 5])}, xlabel="", ylabel="", log=True, log_x=True).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.lines[0].get_xydata().tolist() == [[10, 5]]


def test_a_function_on_a_log_scale_has_no_line_at_zero() -> None:
    ax = plots.function(X, {"f": X}, log=True).axes[0]
    assert ax.get_yscale() == "log"
    assert len(ax.lines) == 1
    assert np.isnan(ax.lines[0].get_ydata()[0])


def test_a_function_rings_and_names_its_marks() -> None:
    figure = plots.function(X, {"f": X}, marks={"half": (0.5, 0.5)})
    assert texts(figure) == ["f", "half"]


def test_a_descent_shows_its_places_and_says_how_many_steps_it_took() -> None:
    figure = plots.descent(X, X**2, [1.0, 0.5, 0.25], [1.0, 0.25, 0.0625])
    assert texts(figure) == ["2 steps"]
    assert figure.axes[0].lines[1].get_xydata().tolist() == [[1, 1], [0.5, 0.25], [0.25, 0.0625]]
    assert texts(plots.descent(X, X, [1.0, 0.5], [1.0, 0.5])) == ["1 step"]


def test_a_descent_that_leaves_the_axes_does_not_stretch_them() -> None:
    ax = plots.descent(X, X**2, [1.0, 1e9], [1.0, 1e18]).axes[0]
    assert ax.get_xlim()[1] < 2
    assert ax.get_ylim()[1] < 2


def test_tangents_have_the_slope_that_they_are_given() -> None:
    figure = plots.tangents(X, X**2, [0.25, 0.75], [0.5, 1.5])
    pieces = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_linewidth() > 2]
    found = [np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0] for line in pieces]
    assert found == pytest.approx([0.5, 1.5])
    assert [text for text in texts(figure) if text] == ["slope 0.5", "slope 1.5"]


def test_distributions_have_a_bar_with_its_number_for_each_class() -> None:
    figure = plots.distributions(["chicken", "turkey"], {"p": [0.05, 0.95], "q": [0.7, 0.3]})
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0.05, 0.95, 0.7, 0.3]
    assert texts(figure) == ["0.05", "0.95", "0.7", "0.3"]
    assert key(figure) == ["p", "q"]
    assert len({bar.get_hatch() for bar in figure.axes[0].patches}) == 2


def test_distributions_refuse_another_number_of_classes() -> None:
    with pytest.raises(ValueError, match="'p' has 1 numbers for 2 classes"):
        plots.distributions(["a", "b"], {"p": [1.0]})


def test_heat_writes_few_numbers_and_shows_a_scale_for_many() -> None:
    small, large = plots.heat([[1, -2], [np.nan, 0.5]]), plots.heat(np.outer(X, X), name="product")
    assert texts(small) == ["1", "−2", "0.5"]
    assert texts(large) == []
    assert [child.get_title(loc="right") for child in large.axes[0].child_axes] == ["product"]


def test_heat_has_white_at_zero_where_numbers_have_both_signs() -> None:
    mesh = plots.heat([[-1.0, 0.0, 4.0]]).axes[0].collections[0]
    colours = mesh.cmap(mesh.norm(np.array([-4.0, 0.0, 4.0])))[:, :3]
    assert colours[1] == pytest.approx([1, 1, 1], abs=0.02)
    assert (colours[0] != colours[2]).any()


def test_heat_refuses_what_is_no_table() -> None:
    with pytest.raises(ValueError, match=r"\(rows, columns\); got shape \(3,\)"):
        plots.heat([1, 2, 3])


def _line(height: float, ax: Axes) -> Figure:
    return plots.function(X, {"f": height * X}, ylabel="height", ax=ax)


def test_panels_draw_each_in_axes_of_its_own() -> None:
    figure = plots.panels({"low": partial(_line, 1), "high": partial(_line, 5), "more": partial(_line, 2)})
    assert len(figure.axes) == 4
    assert [ax.texts[-1].get_text() for ax in figure.axes[:3]] == ["low", "high", "more"]
    assert not figure.axes[3].axison


def test_panels_share_a_scale_if_they_are_asked_to() -> None:
    drawings = {"low": lambda ax: _line(1, ax), "high": lambda ax: _line(5, ax)}
    free, shared = plots.panels(drawings), plots.panels(drawings, share="y")
    assert free.axes[0].get_ylim() != free.axes[1].get_ylim()
    assert shared.axes[0].get_ylim() == shared.axes[1].get_ylim() == free.axes[1].get_ylim()


def test_words_stand_beside_their_points_and_not_on_each_other() -> None:
    names = [f"word {number}" for number in range(12)]
    rng = np.random.default_rng(0)
    figure = plots.words(names, rng.random(12), rng.random(12))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent().shrunk(0.9, 0.7) for text in figure.axes[0].texts]
    assert texts(figure) == names
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_words_in_groups_are_explained() -> None:
    assert key(plots.words(["a", "b"], [0, 1], [0, 1], groups=["u", "v"])) == ["u", "v"]
    with pytest.raises(ValueError, match="There are 1 points for 2 names"):
        plots.words(["a", "b"], [0], [0])


def test_labels_of_lines_stay_at_their_lines_when_limits_change() -> None:
    figure = plots.function(X, {"f": X})
    ax = figure.axes[0]
    ax.set_ylim(0, 10)
    figure.draw_without_rendering()
    middle = ax.texts[0].get_window_extent()
    end = ax.transData.transform((1.0, 1.0))[1]
    assert abs((middle.y0 + middle.y1) / 2 - end) < 6
