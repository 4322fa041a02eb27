"""Broadcasting, explained."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.errors import StepwellError
from stepwell.core.tensors.broadcast import explain_broadcast

SHAPES = st.lists(st.lists(st.integers(0, 3), max_size=4).map(tuple), min_size=1, max_size=3)


def test_the_rule_is_shown_line_by_line() -> None:
    assert repr(explain_broadcast((2, 3, 5, 5), (3, 1, 1))) == (
        "(2, 3, 5, 5) with (3, 1, 1) gives (2, 3, 5, 5)\n"
        "\n"
        "dimension  first  second  result\n"
        "       -1      5       1       5  second is repeated 5 times\n"
        "       -2      5       1       5  second is repeated 5 times\n"
        "       -3      3       3       3\n"
        "       -4      2       ·       2  second has none: repeated 2 times"
    )


def test_a_column_that_meets_a_row_is_pointed_out() -> None:
    text = repr(explain_broadcast(torch.zeros(64, 1), np.zeros(64)))
    assert text.startswith("(64, 1) with (64,) gives (64, 64)")
    assert text.endswith(
        "Both grow: every element of one meets each of the other. Two lists of one length would meet pair by pair."
    )
    assert "Both grow" not in repr(explain_broadcast((64, 1), (64, 1)))


def test_numbers_have_no_dimensions() -> None:
    assert repr(explain_broadcast((), ())) == "() with () gives ()"
    assert explain_broadcast((), (3, 1)).result == (3, 1)


@given(SHAPES)
def test_results_and_refusals_are_numpys(shapes: list[tuple[int, ...]]) -> None:
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(StepwellError, match=r"do not broadcast: counted from the end, dimension -\d is"):
            explain_broadcast(*shapes)
    else:
        assert explain_broadcast(*shapes).result == expected
        assert repr(explain_broadcast(*shapes)).startswith(" with ".join(map(str, shapes)))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            ((3,), (3, 5, 5)),
            "(3,) and (3, 5, 5) do not broadcast: counted from the end, dimension -1 is 3 in the first and 5 in the second."
            " Sizes that meet are equal, or one of them is 1. If it is meant so, .unsqueeze(1).unsqueeze(2) makes the first"
            " (3, 1, 1), which does.",
        ),
        (((4, 3), (4,)), ".unsqueeze(1) makes the second (4, 1), which does."),
        (((2, 3), (3, 2)), "If it is meant so, .mT makes the first (3, 2), which does."),
        (((4, 3), (2, 3)), "Reshape one of them, or take the rows of it that belong to the other's."),
        (((4, 3), 2.5), "2.5 is neither a tensor nor a shape, such as (3, 1); a number has the shape ()."),
        (("ab",), "'ab' is neither a tensor nor a shape"),
        ((), "explain_broadcast takes tensors or shapes, such as explain_broadcast((3, 1), (1, 3))."),
    ],
)
def test_refusals_say_how_to_mend_them(shapes: tuple[object, ...], message: str) -> None:
    with pytest.raises(StepwellError) as caught:
        explain_broadcast(*shapes)
    assert message in str(caught.value)


def test_what_a_refusal_proposes_works() -> None:
    weights, image = torch.ones(3), torch.zeros(3, 5, 5)
    assert (weights.unsqueeze(1).unsqueeze(2) + image).shape == image.shape
