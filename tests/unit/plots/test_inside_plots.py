"""What plots of filters, maps and mistakes show."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from stepwell import plots
from stepwell.plots.confused import Row
from stepwell.plots.mosaic import coloured, mosaic
from stepwell.plots.overlays import overlay
from stepwell.plots.style import BLUE, VERMILLION

PICTURES = np.random.default_rng(0).random((5, 8, 8))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_colours_are_around_zero() -> None:
    found = coloured([-2.0, 0.0, 1.0, 2.0, np.nan])
    np.testing.assert_allclose(found[0, :3], to_rgb(VERMILLION), atol=0.01)
    np.testing.assert_allclose(found[1, :3], 1, atol=0.01)
    np.testing.assert_allclose(found[3, :3], to_rgb(BLUE), atol=0.01)
    assert found[2, 0] > found[3, 0]
    assert found[:, 3].tolist() == [1, 1, 1, 1, 0]
    assert coloured([0.0, 5.0])[0, :3].min() == pytest.approx(1, abs=0.01)


def test_a_mosaic_has_its_cells_in_rows() -> None:
    cells = np.ones((5, 24, 24, 4)) * np.arange(5).reshape(-1, 1, 1, 1) / 10
    found = mosaic(cells, 3)
    height = 2 * 26 + round(0.12 * 26)
    assert found.shape == (height, 3 * 26 + 2 * 3, 4)
    assert found[13, 13, 0] == 0
    assert found[13, 13 + 29, 0] == pytest.approx(0.1)
    assert found[13 + 29, 13, 0] == pytest.approx(0.3)
    assert found[13 + 29, -5, 3] == 0  # no sixth cell
    assert mosaic(np.ones((1, 3, 3, 4)), 1).shape[0] == 3 * 8 + 2  # small ones are drawn larger


def test_filters_say_what_they_are() -> None:
    grey = plots.filters(PICTURES[:, None] - 0.5)
    assert grey.axes[0].get_title(loc="left") == "5 filters of 8 × 8"
    rows = plots.filters(np.ones((4, 6, 3, 3)))
    assert rows.axes[0].get_title(loc="left") == "4 filters of 3 × 3 down, 6 input channels across"
    many = plots.filters(np.ones((100, 70, 1, 1)))
    said = "100 filters of 1 × 1 down (the first 64), 70 input channels across (the first 64)"
    assert many.axes[0].get_title(loc="left") == said
    assert "red, green and blue" in plots.filters(np.ones((4, 3, 7, 7))).axes[0].get_title(loc="left")
    assert "a strip of its 3 input channels" in plots.filters(np.ones((4, 3, 7, 7)), colour=False).axes[0].get_title(
        loc="left"
    )
    with pytest.raises(ValueError, match="got shape"):
        plots.filters([1.0, 2.0])


def test_layers_have_names_and_shapes() -> None:
    figure = plots.feature_maps({"conv1": PICTURES, "fc": np.arange(70.0)}, most=3)
    assert texts(figure) == ["conv1", "5 × 8 × 8", "fc", "70"]
    assert len(figure.axes[0].images) == 2
    with pytest.raises(ValueError, match="'x' has values"):
        plots.feature_maps({"x": np.ones((2, 2))})


def test_a_map_glows_where_it_is_large() -> None:
    values = np.zeros((8, 8))
    values[2, 3], values[5, 5] = 2.0, -2.0
    found = overlay(np.zeros((8, 8)), values)
    np.testing.assert_allclose(found[2, 3, :3], to_rgb(VERMILLION), atol=0.1)
    np.testing.assert_allclose(found[5, 5, :3], to_rgb(BLUE), atol=0.1)
    assert np.ptp(found[0, 0, :3]) == 0  # grey as it was
    with pytest.raises(ValueError, match="of one size"):
        overlay(np.zeros((8, 8)), np.zeros((4, 4)))
    assert overlay(np.ones((3, 330, 200)), np.ones((330, 200))).shape == (110, 66, 4)


def test_overlays_have_names() -> None:
    figure = plots.overlays(np.stack([PICTURES[0]] * 3), {"Grad-CAM": PICTURES[1]})
    assert texts(figure) == ["picture", "Grad-CAM"]
    assert len(figure.axes[0].images) == 2


def test_confused_rows_may_differ() -> None:
    figure = plots.confused([Row("a\nfor b", PICTURES[:3], PICTURES[:2]), Row("c", PICTURES[:1])], headings=("x", "y"))
    assert texts(figure) == ["a\nfor b", "c", "x", "y"]
    assert len(figure.axes[0].images) == 6
    assert texts(plots.confused([])) == ["no class was taken for another"]


def test_a_field_names_its_boxes() -> None:
    figure = plots.field(PICTURES[0], {"second layer": (1, 2, 5, 8)})
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["second layer: 4 × 6"]
    with pytest.raises(ValueError, match=r"\(height, width\)"):
        plots.field(PICTURES)
