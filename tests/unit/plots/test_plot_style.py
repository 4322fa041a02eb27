"""The house style: names, looks, labels that do not lie on each other, contrast."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.plots import style
from stepwell.plots.lines import spread


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [each.colour for each in style.LOOKS] + [style.SOFT])
def test_every_colour_is_readable_as_text_on_white(colour: str) -> None:
    assert contrast(colour, style.PAPER) >= 4.5


def test_looks_differ_without_colour() -> None:
    assert len({str(each.dashes) for each in style.LOOKS}) == len(style.LOOKS)
    assert len({each.marker for each in style.LOOKS}) == len(style.LOOKS)


def test_training_and_validation_keep_their_looks() -> None:
    assert style.looks(["validation"]) == [style.LOOKS[1]]
    assert style.looks(["validation", "a", "train"]) == [style.LOOKS[1], style.LOOKS[2], style.LOOKS[0]]
    assert len(set(style.looks("abcdef"))) == 6
    assert style.looks("abcdefg")[6] == style.LOOKS[0]


def test_names_become_one_printable_line() -> None:
    assert style.plain(" a\n b\tc ") == "a b c"
    assert style.plain("\x00\ud800") == "\N{REPLACEMENT CHARACTER}" * 2
    assert style.plain("katze \N{CAT FACE} می‌خواهم") == "katze \N{CAT FACE} می‌خواهم"
    assert style.plain("x" * 50, 10) == "x" * 9 + "…"


def test_arrays_of_different_length_are_named() -> None:
    with pytest.raises(
        ValueError, match=re.escape("'train' has 1 values for 2 places on the x axis; give one for each.")
    ):
        style.paired([1, 2], [3], "train")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_spread_keeps_order_and_distance(heights: list[float]) -> None:
    before = np.array(heights)
    after = spread(before, 0.1)
    order = np.argsort(before, kind="stable")
    assert (np.diff(after[order]) >= 0.1 - 1e-9).all()
    assert after.mean() == pytest.approx(before.mean())
    apart = (np.diff(before[order]) >= 0.1).all()
    assert not apart or np.allclose(after, before)


def test_axes_that_were_removed_are_refused() -> None:
    ax = style.canvas(None)
    ax.remove()
    with pytest.raises(ValueError, match="removed from their figure"):
        style.figure_of(ax)
