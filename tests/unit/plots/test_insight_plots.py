"""What the plots of insight show."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from stepwell import plots
from stepwell.plots.space import Panel
from stepwell.plots.style import BLUE, LOOKS, VERMILLION

X, Y = np.linspace(-1, 1, 21), np.linspace(-2, 2, 11)
BOWL = X[None] ** 2 + Y[:, None] ** 2
POINTS, LABELS = np.array([[0.0, 0.0], [1.0, 1.0], [-1.0, 1.0]]), [0, 1, 1]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


# --- importance, dependence, calibration ----------------------------------------------------------------------------------


def test_importance_is_filled_where_it_is_more_than_its_spread() -> None:
    ax = plots.importance(["a", "b", "c"], [3.0, 0.2, -1.0], [0.5, 0.3, 0.1], metric="RMSE").axes[0]
    assert [bar.get_width() for bar in ax.patches] == [3.0, 0.2, -1.0]
    assert [bar.get_facecolor()[3] > 0 for bar in ax.patches] == [True, False, True]
    assert ax.get_title(loc="left") == "RMSE gets worse by"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_importance_says_how_many_columns_it_leaves_out() -> None:
    figure = plots.importance([f"c{i}" for i in range(30)], np.arange(30.0), most=10)
    assert len(figure.axes[0].patches) == 10
    assert figure.axes[0].get_xlabel() == "… and 20 more columns"
    with pytest.raises(ValueError, match="2 values for 1 columns"):
        plots.importance(["a"], [1, 2])


def test_importance_that_is_not_known() -> None:
    assert texts(plots.importance(["a", "b"], [-0.25, np.nan])) == ["\N{MINUS SIGN}0.25", "not known"]


def test_dependence_over_numbers_and_over_names() -> None:
    over = plots.dependence([1, 2, 3], [5.0, 6.0, 7.0], [4, 5, 6], [6, 7, 8], curves=np.ones((3, 200))).axes[0]
    assert over.lines[-1].get_ydata().tolist() == [5, 6, 7]
    assert len(over.collections) == 1
    assert len(over.lines) <= 61
    named = plots.dependence(["low", "high"], [1.0, 2.0], xlabel="level").axes[0]
    assert [label.get_text() for label in named.get_xticklabels()] == ["low", "high"]
    assert named.get_xlabel() == "level"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"y": [1]}, "1 values of y for 2"),
        ({"y": [1, 2], "low": [1]}, "1 values of the band for 2"),
        ({"y": [1, 2], "curves": [[1, 2, 3]]}, r"here \(2, …\); got shape \(1, 3\)"),
    ],
)
def test_dependence_refuses_other_lengths(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.dependence([1, 2], **settings)


def test_calibration_shows_rows_at_its_foot() -> None:
    ax = plots.calibration([0.1, 0.9], [0.2, 0.7], [10, 30], ece=0.175).axes[0]
    assert "calibration error 0.175" in texts(ax.figure)
    feet = ax.collections[0].get_segments()
    lengths = [segment[1][1] - segment[0][1] for segment in feet]
    assert lengths[1] == pytest.approx(3 * lengths[0])
    assert all(segment[1][1] < 0 for segment in feet)
    assert ax.get_ylim()[0] < -0.1


# --- surfaces -------------------------------------------------------------------------------------------------------------


def test_contours_lie_evenly_in_the_root_of_the_height() -> None:
    ax = plots.surface(X, Y, BOWL, title="loss", xlabel="b", ylabel="w").axes[0]
    assert (ax.get_xlabel(), ax.get_title(loc="left"), ax.get_title(loc="right")) == ("b", "w", "loss")
    levels = ax.collections[0].levels
    assert (levels[0], levels[-1]) == (0.0, 5.0)
    assert np.diff(np.sqrt(levels)) == pytest.approx(np.full(12, np.sqrt(5) / 12))
    even = plots.surface(X, Y, BOWL, even=True).axes[0].collections[0].levels
    assert np.diff(even) == pytest.approx(np.full(12, 5 / 12))


def test_paths_are_named_and_none_is_as_blue_as_the_ground() -> None:
    ways = {f"way {i}": np.cumsum(np.full((4, 2), 0.1 * (i + 1)), axis=0) - 1 for i in range(5)}
    ax = plots.surface(X, Y, BOWL, paths=ways).axes[0]
    assert set(ways) <= set(texts(ax.figure))
    colours = [line.get_color() for line in ax.lines if line.get_linewidth() == 1.3]
    assert len(colours) == 5
    assert BLUE not in colours
    with pytest.raises(ValueError, match=r"path 'a' is \(points, 2\); got shape \(3,\)"):
        plots.surface(X, Y, BOWL, paths={"a": [1, 2, 3]})


def test_a_cut_line_start_and_minimum_are_marked() -> None:
    ax = plots.surface(X, Y, BOWL, start=(0.5, 1.0), minimum=(0.0, 0.0), at_x=0.25, at_y=-1.0).axes[0]
    marked = {line.get_marker(): (line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines}
    assert marked["o"] == (0.5, 1.0)
    assert marked["X"] == (0.0, 0.0)
    assert [line.get_xdata()[0] for line in ax.lines if line.get_color() == VERMILLION] == [0.25, 0]


@pytest.mark.parametrize("draw", [plots.surface, plots.relief, plots.regions])
def test_a_grid_of_another_shape_is_refused(draw) -> None:
    with pytest.raises(ValueError, match=r"the shape \(11, 21\), with 2 of each at least; got \(21, 11\)"):
        draw(X, Y, BOWL.T)


def test_a_cut_tells_what_an_update_does() -> None:
    ax = plots.cut(X, X**2, before=(1.0, 1.0), after=(0.5, 0.25)).axes[0]
    assert "moved \N{MINUS SIGN}0.5, loss \N{MINUS SIGN}0.75, slope 1.5" in texts(ax.figure)
    assert not any("moved" in text for text in texts(plots.cut(X, X**2, before=(1.0, 1.0))))


def test_relief_draws_far_cells_first_and_high_ones_darker() -> None:
    ax = plots.relief(X, Y, BOWL).axes[0]
    faces = ax.collections[0]
    assert len(faces.get_paths()) == 20 * 10
    shades = faces.get_facecolor()[:, 0]
    centre, corner = shades.max(), shades.min()
    assert corner < centre
    assert faces.get_rasterized()


def test_relief_is_seen_from_where_it_is_asked() -> None:
    """From above, places on paper are the coordinates themselves."""
    ax = plots.relief([0, 1], [0, 1], [[0, 0], [0, 1]], azimuth=-90, elevation=90).axes[0]
    corners = ax.collections[0].get_paths()[0].vertices
    assert sorted({(round(x), round(y)) for x, y in corners}) == [(-1, -1), (-1, 1), (1, -1), (1, 1)]


def test_relief_thins_large_grids() -> None:
    ax = plots.relief(np.arange(200), np.arange(300), np.random.default_rng(0).random((300, 200))).axes[0]
    assert len(ax.collections[0].get_paths()) <= 48 * 48


# --- points and thresholds ------------------------------------------------------------------------------------------------


def test_classes_differ_in_colour_and_marker() -> None:
    ax = plots.scatter(POINTS, LABELS, classes=["no", "yes"]).axes[0]
    drawn = [(line.get_color(), line.get_marker()) for line in ax.lines[:2]]
    assert drawn == [(LOOKS[0].colour, LOOKS[0].marker), (LOOKS[1].colour, LOOKS[1].marker)]
    assert texts(ax.figure) == ["no", "yes"]
    with pytest.raises(ValueError, match=r"got \(3, 2\) and 2 labels"):
        plots.scatter(POINTS, [0, 1])


def test_regions_pale_towards_the_threshold() -> None:
    p = np.broadcast_to(np.linspace(0, 1, 21), (11, 21))
    ax = plots.regions(X, Y, p, threshold=0.5, points=POINTS, labels=LABELS).axes[0]
    shades = np.asarray(ax.images[0].get_array())
    assert to_hex(shades[0, 0, :3]) == LOOKS[0].colour
    assert to_hex(shades[0, -1, :3]) == LOOKS[1].colour
    assert shades[0, 10, 3] == pytest.approx(0)
    assert shades[0, 0, 3] > 1.5 * shades[0, -1, 3] > 0.3  # told apart in grey, too
    (line,) = ax.collections[0].get_paths()
    assert np.abs(line.vertices[:, 0]).max() < 1e-9


def test_regions_of_several_classes() -> None:
    p = np.zeros((11, 21, 3))
    p[:, :7, 0], p[:, 7:14, 1], p[:, 14:, 2] = 1, 1, 0.5
    shades = np.asarray(plots.regions(X, Y, p).axes[0].images[0].get_array())
    assert [to_hex(shades[0, place, :3]) for place in (0, 10, 20)] == [LOOKS[k].colour for k in range(3)]
    assert shades[0, 20, 3] == pytest.approx(0.36 / 2)


def test_spaces_stand_side_by_side() -> None:
    lines = np.stack([np.column_stack([X, np.full(21, y)]) for y in Y])
    figure = plots.spaces({"in": Panel(POINTS, lines, X, Y, BOWL), "out": (POINTS * 5,)}, LABELS)
    first, second = figure.axes[0].child_axes
    assert len(first.lines) == 11 + 2
    assert len(first.images) == 1
    assert len(second.lines) == 2
    assert texts(figure) == ["in", "out"]


def test_a_number_line_names_its_classes() -> None:
    ax = plots.number_line([1, 2, 3], [0, 1, 0], classes=["red", "blue"]).axes[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["red", "blue"]
    assert ax.lines[1].get_xdata().tolist() == [1, 3]


def test_probabilities_are_counted_on_both_sides_of_a_threshold() -> None:
    """The threshold itself counts as positive, as in the tasks."""
    figure = plots.probability_line([0.1, 0.5, 0.2, 0.9, 0.5], [0, 0, 1, 1, 1], split=True)
    assert [text for text in texts(figure) if text[:2] in ("TN", "FP", "FN", "TP")] == ["TN 1", "FP 1", "FN 1", "TP 2"]
    wrong = [line for line in figure.axes[0].lines if line.get_color() != line.get_markeredgecolor()]
    assert [line.get_xdata().tolist() for line in wrong] == [[0.5], [0.2]]


def test_a_line_for_each_threshold() -> None:
    figure = plots.probability_line([0.1, 0.9], [0, 1], thresholds=(0.4, 0.5, 0.57))
    assert texts(figure) == ["0.4", "0.5", "0.57"]
    heights = {float(y) for line in figure.axes[0].lines for y in line.get_ydata()}
    assert heights == {0.0, 1.0, 2.0}
