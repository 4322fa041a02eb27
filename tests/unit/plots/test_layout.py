"""Where the boxes of a graph stand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.plots.layout import apart, arrange

NAMES = "abcdefg"
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=14)
SIZES = {name: 0.5 + index / 10 for index, name in enumerate(NAMES)}


def layer_of(plan) -> dict[str, int]:
    return {name: number for number, layer in enumerate(plan.layers) for name in layer}


@given(EDGES)
def test_arrows_lead_onwards_unless_they_close_a_circle(edges: list[tuple[str, str]]) -> None:
    plan = arrange(NAMES, edges, SIZES, 0.2)
    layer = layer_of(plan)
    for start, end in edges:
        assert (start, end) in plan.back or layer[start] < layer[end]


@given(EDGES)
def test_boxes_of_a_layer_do_not_touch(edges: list[tuple[str, str]]) -> None:
    plan = arrange(NAMES, edges, SIZES, 0.2)
    for layer in plan.layers:
        for left, right in pairwise(layer):
            room = (SIZES.get(left, 0.0) + SIZES.get(right, 0.0)) / 2 + 0.2
            assert plan.places[right] - plan.places[left] >= room - 1e-9


@given(EDGES)
def test_every_layer_that_an_arrow_crosses_has_a_station_of_it(edges: list[tuple[str, str]]) -> None:
    plan = arrange(NAMES, edges, SIZES, 0.2)
    layer = layer_of(plan)
    for (start, end), stations in plan.stations.items():
        assert [layer[each] for each in stations] == list(range(layer[start] + 1, layer[end]))


def test_only_the_last_arrow_of_a_circle_leads_back() -> None:
    assert arrange("abc", [("a", "b"), ("b", "c"), ("c", "a")], SIZES, 0.2).back == {("c", "a")}
    assert arrange("abc", [("c", "a"), ("a", "b"), ("b", "c")], SIZES, 0.2).back == {("b", "c")}


def test_what_nothing_leads_to_stands_right_before_what_it_leads_to() -> None:
    plan = arrange(["x", "f", "g", "w"], [("x", "f"), ("f", "g"), ("w", "g")], SIZES | dict.fromkeys("xw", 1.0), 0.2)
    assert [{name for name in layer if "\0" not in name} for layer in plan.layers] == [{"x"}, {"f", "w"}, {"g"}]


def test_a_chain_is_straight() -> None:
    plan = arrange("abc", [("a", "b"), ("b", "c")], SIZES, 0.2)
    assert plan.places["a"] == pytest.approx(plan.places["b"]) == pytest.approx(plan.places["c"])


def test_arrows_do_not_cross_where_they_need_not() -> None:
    plan = arrange("abcd", [("a", "d"), ("b", "c")], SIZES, 0.2)
    assert (plan.places["a"] < plan.places["b"]) == (plan.places["d"] < plan.places["c"])


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 2)), max_size=6))
def test_wishes_are_met_where_they_can_be(boxes: list[tuple[float, float]]) -> None:
    wishes, widths = [wish for wish, _ in boxes], [width for _, width in boxes]
    places = apart(wishes, widths, 0.3)
    assert len(places) == len(boxes)
    rooms = [(left + right) / 2 + 0.3 for left, right in pairwise(widths)]
    assert all(b - a >= room - 1e-9 for (a, b), room in zip(pairwise(places), rooms, strict=True))
    if all(b - a >= room for (a, b), room in zip(pairwise(wishes), rooms, strict=True)):
        assert places == pytest.approx(wishes)
