"""What each plot shows."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from stepwell import plots
from stepwell.plots.confusion import short
from stepwell.plots.images import rgb


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_curves_skip_what_was_not_measured() -> None:
    ax = plots.curves([1, 2, 3], {"val": [3.0, np.nan, 1.0]}, ylabel="loss").axes[0]
    assert ax.lines[0].get_xdata().tolist() == [1, 3]
    assert ax.get_title(loc="left") == "loss"


def test_curves_mark_the_best_epoch_on_the_last_series_that_has_it() -> None:
    series = {"train": [3.0, 2.0, 1.0], "validation": [3.0, 2.5, np.nan]}
    assert "best: 2.5 in epoch 2" in texts(plots.curves([1, 2, 3], series, ylabel="loss", best=2))
    assert "best: 1 in epoch 3" in texts(plots.curves([1, 2, 3], series, ylabel="loss", best=3))
    assert not any("best" in text for text in texts(plots.curves([1, 2, 3], series, ylabel="loss", best=9)))


def test_curves_label_lines_by_name_and_in_order_of_height() -> None:
    figure = plots.curves([1, 2], {"train": [1.0, 0.1], "validation": [1.0, 0.2]}, ylabel="loss")
    train, validation = figure.axes[0].texts
    assert (train.get_text(), validation.get_text()) == ("train", "validation")
    assert train.get_position()[1] < validation.get_position()[1]


def test_curves_refuse_a_series_of_another_length() -> None:
    with pytest.raises(ValueError, match="'train' has 1 values for 2 places"):
        plots.curves([1, 2], {"train": [3]}, ylabel="loss")


def test_curves_on_a_log_scale_write_plain_numbers() -> None:
    ax = plots.curves([1, 2, 3], {"train": [2.0, 0.2, 0.02]}, ylabel="loss", log=True).axes[0]
    assert ax.get_yscale() == "log"
    assert "0.1" in [label.get_text() for label in ax.get_yticklabels()]


def test_confusion_writes_counts_true_classes_down() -> None:
    figure = plots.confusion([[5, 1], [0, 7]], ["cat", "dog"])
    assert texts(figure) == ["5", "1", "0", "7"]
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog"]
    assert ax.get_ylim() == (2, 0)


def test_confusion_shades_a_cell_by_its_share_of_the_row() -> None:
    shades = plots.confusion([[50, 50], [0, 1]], ["a", "b"]).axes[0].collections[0].get_array()
    opacity = np.asarray(shades).reshape(2, 2, 4)[..., 3]
    assert opacity[0, 0] == pytest.approx(opacity[0, 1])
    assert opacity[1, 0] == 0
    assert opacity[1, 1] > opacity[0, 0]


def test_confusion_refuses_a_matrix_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"of 3 classes is 3 × 3; got shape \(2, 2\)"):
        plots.confusion(np.eye(2), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("count", "text"), [(7, "7"), (9999, "9999"), (12345, "12k"), (2e6, "2M"), (0.256, "0.26"), (np.nan, "–")]
)
def test_counts_are_short(count: float, text: str) -> None:
    assert short(count) == text


def test_images_share_one_scale_and_leave_nan_empty() -> None:
    stack = np.array([[[0.0, 2.0]], [[4.0, np.nan]]])
    pixels = rgb(stack)
    assert pixels.shape == (2, 1, 2, 4)
    assert pixels[0, 0, 1, :3].tolist() == [0.5, 0.5, 0.5]
    assert pixels[1, 0, 0, :3].tolist() == [1.0, 1.0, 1.0]
    assert pixels[1, 0, 1, 3] == 0


def test_images_keep_colours_and_shrink_large_ones() -> None:
    red = np.zeros((1, 3, 400, 200))
    red[:, 0] = 1
    pixels = rgb(red)
    assert max(pixels.shape[1:3]) <= 160
    assert pixels[0, 0, 0].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("shape", [(8, 8), (2, 2, 8, 8), (1, 1, 1, 8, 8)])
def test_images_refuse_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"Pictures are \(n, h, w\)"):
        plots.images(np.zeros(shape))


def test_images_stand_in_rows_of_columns() -> None:
    ax = plots.images(np.random.default_rng(0).random((5, 4, 4)), list("abcde"), columns=2).axes[0]
    lefts = [round(image.get_extent()[0]) for image in ax.images]
    assert lefts == [0, 1, 0, 1, 0]
    assert [text.get_text() for text in ax.texts] == list("abcde")


def test_fit_draws_the_line_from_left_to_right() -> None:
    points, line = plots.fit([2, 0, 1], [5, 1, 3], [4, 0, 2]).axes[0].lines
    assert points.get_xdata().tolist() == [2, 0, 1]
    assert line.get_xydata().tolist() == [[0, 0], [1, 2], [2, 4]]


def test_predictions_have_a_diagonal_over_both_ranges() -> None:
    ax = plots.predictions([0.0, 1.0], [3.0, -1.0], name="price").axes[0]
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_xlim()[0] < -1 < 3 < ax.get_xlim()[1]
    assert (ax.get_xlabel(), ax.get_title(loc="left")) == ("true price", "predicted price")


def test_predictions_of_very_many_rows_are_one_picture() -> None:
    few = plots.predictions(np.arange(100.0), np.arange(100.0)).axes[0].lines[0]
    many = plots.predictions(np.arange(9000.0), np.arange(9000.0)).axes[0].lines[0]
    assert (few.get_rasterized(), many.get_rasterized()) == (False, True)


def test_a_function_and_its_derivative_stand_over_a_zero_line() -> None:
    x = np.linspace(-7, 9, 100)  # book row S-08
    ax = plots.function(x, {"f": (x - 2) ** 2, "f'": 2 * x - 4}).axes[0]
    assert list(ax.lines[0].get_ydata()) == [0, 0]
    assert [text.get_text() for text in ax.texts] == ["f", "f'"]
