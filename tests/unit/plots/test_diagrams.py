"""What each diagram shows."""

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from stepwell import plots
from stepwell.insight.graph import record
from stepwell.plots.cells import written


def axes(figure: Figure) -> Axes:
    return figure.axes[0]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in axes(figure).texts]


def patches(figure: Figure, kind: type) -> list:
    return [patch for patch in axes(figure).patches if type(patch) is kind]


def inside(figure: Figure) -> bool:
    """Whether all texts and boxes lie on the sheet."""
    figure.draw_without_rendering()
    sheet = axes(figure).get_window_extent().padded(3)
    boxes = [artist.get_window_extent() for artist in [*axes(figure).texts, *axes(figure).patches]]
    return all(sheet.x0 <= b.x0 and b.x1 <= sheet.x1 and sheet.y0 <= b.y0 and b.y1 <= sheet.y1 for b in boxes)


LOOP = [("batch", "model"), ("model", "loss", "answers"), ("loss", "update"), ("update", "batch", "next batch")]


@pytest.mark.parametrize("across", [False, True])
def test_a_graph_has_a_box_for_each_name_and_an_arrow_for_each_pair(across: bool) -> None:
    figure = plots.graph(LOOP, across=across)
    assert texts(figure) == ["batch", "model", "loss", "update", "answers", "next batch"]
    assert len(patches(figure, FancyBboxPatch)) == 4
    arrows = patches(figure, FancyArrowPatch)
    assert [arrow.get_linestyle() for arrow in arrows] == ["-", "-", "-", (0, (4, 2))]
    assert inside(figure)


def test_a_graph_goes_down_or_across() -> None:
    down, across = (plots.graph([("a", "b")], across=each) for each in (False, True))
    (a, b), (c, d) = ([text.get_position() for text in axes(figure).texts] for figure in (down, across))
    assert a[0] == pytest.approx(b[0])
    assert a[1] > b[1]
    assert c[1] == pytest.approx(d[1])
    assert c[0] < d[0]


def test_boxes_of_a_graph_do_not_overlap() -> None:
    figure = plots.graph([(str(i), str(j)) for i in range(6) for j in range(i + 1, 6)] + [("x", "5"), ("y", "5")])
    figure.draw_without_rendering()
    boxes = [patch.get_window_extent() for patch in patches(figure, FancyBboxPatch)]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_graph_explains_its_kinds_where_there_are_several() -> None:
    assert "parameter" not in texts(plots.graph([("w", "f")], kinds={"w": "parameter"}))
    assert texts(plots.graph([("w", "f")], kinds={"w": "parameter", "f": "layer"}))[:2] == ["parameter", "layer"]


def test_a_graph_says_what_texts_has() -> None:
    assert texts(plots.graph([("a", "b")], texts={"a": "two\nlines"})) == ["two\nlines", "b"]


def test_a_recorded_function_is_drawn_from_its_steps() -> None:
    recorded = record(lambda x, w, b: torch.tanh(w * x + b))
    figure = plots.graph([(name, step.name) for step in recorded.operations for name in step.inputs])
    assert set(texts(figure)) == {"x", "w", "b", "mul", "add", "tanh"}


def test_a_network_joins_all_neurons_of_neighbouring_layers() -> None:
    figure = plots.network([["x₁", "x₂", "x₃"], 4, ["ŷ"]], names=["input", "hidden", "output"])
    assert len(patches(figure, Circle)) == 8
    assert [len(lines.get_segments()) for lines in axes(figure).collections] == [12, 4]
    assert {"x₁", "ŷ", "hidden"} <= set(texts(figure))
    assert inside(figure)


def test_of_a_wide_layer_some_neurons_are_drawn_and_their_number_is_written() -> None:
    figure = plots.network([2, 30])
    assert len(patches(figure, Circle)) == 2 + 7
    assert "30" in texts(figure)


def test_weights_decide_width_and_colour_of_a_networks_lines() -> None:
    (lines,) = axes(plots.network([2, 1], weights=[[[2.0, -1.0]]])).collections
    assert isinstance(lines, LineCollection)
    first, second = lines.get_linewidths()
    assert first > second
    assert (lines.get_colors()[0] != lines.get_colors()[1]).any()


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"between 2 and 3 neurons are \(3, 2\); got \(2, 3\)"):
        plots.network([2, 3], weights=[np.zeros((2, 3))])


def test_a_flow_writes_each_shape_and_what_led_to_it() -> None:
    figure = plots.flow([("", (3, 3, 8, 8)), ("Flatten", (3, 192)), ("Linear", (3, 2))])
    assert [text for text in texts(figure) if text] == ["3 × 3 × 8 × 8", "3 × 192", "Flatten", "3 × 2", "Linear"]
    assert inside(figure)


def test_fields_are_nested_in_their_order() -> None:
    figure = plots.nested([("outer", "the whole"), ("inner", "")])
    outer, inner = (patch.get_window_extent() for patch in patches(figure, FancyBboxPatch))
    assert outer.x0 < inner.x0 < inner.x1 < outer.x1
    assert texts(figure) == ["outer", "the whole", "inner"]


def test_tensors_have_a_cell_for_each_number() -> None:
    figure = plots.tensors({"a": 3.14, "b": np.arange(6).reshape(2, 3), "c": np.zeros((2, 2, 2))}, columns=2)
    assert len(patches(figure, Rectangle)) == 1 + 6 + 8
    assert {"3.14", "shape ()", "shape (2, 3)", "shape (2, 2, 2)"} <= set(texts(figure))
    assert inside(figure)


def test_picked_cells_are_shaded() -> None:
    x = np.arange(4).reshape(2, 2)
    cells = patches(plots.tensors({"x": x}, picked={"x": x > 2}), Rectangle)
    faces = [cell.get_facecolor() for cell in cells]
    assert faces[0] == faces[1] == faces[2] != faces[3]


def test_tensors_of_rank_four_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rank 0 to 3 .* got shape \(1, 1, 1, 1\)"):
        plots.tensors({"x": np.zeros((1, 1, 1, 1))})


def test_broadcasting_writes_what_comes_out() -> None:
    said = texts(plots.broadcast([[10], [20]], [1, 2, 3]))
    assert said.count("10") == 3
    assert {"11", "12", "13", "21", "22", "23", "shape (2, 1)", "shape (3,)", "shape (2, 3)", "+", "="} <= set(said)


def test_repeated_cells_are_dashed() -> None:
    cells = patches(plots.broadcast([[10], [20]], [1, 2, 3], "×"), Rectangle)
    assert sum(cell.get_linestyle() != "-" for cell in cells) == 4 + 3


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Shapes \(2,\) and \(3,\) do not fit"):
        plots.broadcast([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="not by '/'"):
        plots.broadcast([1], [1], "/")


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.t(), lambda x: x[1], lambda x: x[:, 1], lambda x: x[1:]])
def test_a_view_of_a_storage_shows_the_tensors_own_numbers(view) -> None:
    """Size, stride and offset are torch's, and so are the numbers that they lead to."""
    x = torch.arange(10, 16).reshape(3, 2)
    v = view(x)
    figure = plots.storage(x, {"v": (v.size(), v.stride(), v.storage_offset())})
    numbers = [text for text in texts(figure) if text.isdigit() and int(text) >= 10]
    assert numbers == [str(each) for each in [*v.reshape(-1).tolist(), *x.reshape(-1).tolist()]]
    assert inside(figure)


def test_a_view_beyond_the_storage_is_refused() -> None:
    with pytest.raises(ValueError, match="reads place 6 of a storage of 6 numbers"):
        plots.storage(range(6), {"x": ((3,), (2,), 2)})
    with pytest.raises(ValueError, match="give 1 to 3 numbers for each"):
        plots.storage(range(6), {"x": ((3, 2), (2,))})


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (0.5, "0.5"), (1 / 3, "0.333"), ("a", "a"), (np.nan, "–")])
def test_numbers_in_cells_are_short(value: object, text: str) -> None:
    assert written(value) == text


def test_a_diagram_on_small_axes_has_small_texts() -> None:
    own = plots.graph(LOOP)
    small = Figure(figsize=(1.5, 1.2)).subplots()
    plots.graph(LOOP, ax=small)
    assert small.texts[0].get_fontsize() < axes(own).texts[0].get_fontsize()
    large = Figure(figsize=(20, 20)).subplots()
    plots.graph(LOOP, ax=large)
    assert large.texts[0].get_fontsize() == axes(own).texts[0].get_fontsize()
