"""Dimensions with names: layouts and arithmetic."""

from typing import Any

import pytest
import torch

import stepwell
from stepwell.core.errors import StepwellError
from stepwell.core.tensors.dimensions import LAYOUTS, Named, arrange

IMAGE = Named(torch.arange(75.0).reshape(3, 5, 5), ("channels", "rows", "columns"))
WEIGHTS = Named(torch.tensor([0.2126, 0.7152, 0.0722]), ("channels",))


@pytest.mark.parametrize(
    ("shape", "pattern", "due"),
    [
        ((7, 8, 3), "h w c -> c h w", (3, 7, 8)),
        ((7, 8, 3), "h w c -> image", (3, 7, 8)),
        ((2, 7, 8, 3), "n h w c -> images", (2, 3, 7, 8)),
        ((2, 3, 7, 8), "images -> n h w c", (2, 7, 8, 3)),
        ((9, 7, 8), "d h w -> volume", (1, 9, 7, 8)),
        ((9, 7, 8), "d h w -> volumes", (1, 1, 9, 7, 8)),
        ((2, 24, 17), "n l c -> series", (2, 17, 24)),
        ((4,), "f -> table", (1, 4)),
        ((), " -> f", (1,)),
    ],
)
def test_layouts_are_views(shape: tuple[int, ...], pattern: str, due: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    y = arrange(x, pattern)
    assert tuple(y.shape) == due
    assert y.data_ptr() == x.data_ptr()
    assert stepwell.inspect(y, x).shares["others[0]"].same


def test_an_arrangement_there_and_back_is_the_same() -> None:
    x = torch.rand(2, 3, 4)
    assert torch.equal(arrange(arrange(x, "a b c -> c a b"), "c a b -> a b c"), x)
    assert torch.equal(arrange(x, "a b c -> b a c"), x.transpose(0, 1))
    assert set(LAYOUTS) >= {"image", "volume", "series", "table", "text"}


def test_weights_meet_their_channels_wherever_these_are() -> None:
    plain = (IMAGE.tensor * WEIGHTS.tensor[:, None, None]).sum(0)
    for image in (IMAGE, IMAGE.align_to("rows", "columns", "channels")):
        aligned = WEIGHTS.align_as(image)
        assert set(aligned.shape.values()) == {3, 1}
        grey = (image * aligned).sum("channels")
        assert grey.names == ("rows", "columns")
        torch.testing.assert_close(grey.tensor, plain)


def test_names_are_refined_renamed_and_taken_away() -> None:
    batch = Named(torch.zeros(2, 3, 5, 5), (None,) * 4).refine(..., "channels", "rows", "columns")
    assert batch.names == (None, "channels", "rows", "columns")
    assert batch.refine("n", ...).names == ("n", "channels", "rows", "columns")
    assert batch.rename(rows="h", columns=None).names == (None, "channels", "h", None)
    assert batch.tensor.shape == (2, 3, 5, 5)
    assert IMAGE.shape == {"channels": 3, "rows": 5, "columns": 5}
    assert repr(batch).startswith("Named(_=2, channels=3, rows=5, columns=5)\ntensor(")


def test_reductions_by_name() -> None:
    assert IMAGE.mean("rows", "columns").shape == {"channels": 3}
    assert torch.equal(IMAGE.reduce(torch.amax, "channels").tensor, IMAGE.tensor.amax(0))
    assert IMAGE.sum("channels", "rows", "columns").tensor.item() == IMAGE.tensor.sum().item()


def test_arithmetic_with_tensors_numbers_and_names() -> None:
    assert torch.equal((IMAGE / 2).tensor, IMAGE.tensor / 2)
    assert (IMAGE - torch.ones(5, 5)).names == IMAGE.names
    unnamed = Named(torch.ones(5, 5), (None, "columns"))
    assert (unnamed + IMAGE).names == IMAGE.names


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: IMAGE * WEIGHTS,
            r"Dimension -1 is 'columns' on the left, but 'channels' on the right: \(channels, rows, columns\) with"
            r" \(channels\)\. Bring one into the order of the other: right\.align_as\(left\)\.",
        ),
        (lambda: IMAGE.sum("chanels"), r"There is no dimension 'chanels'; .* Did you mean 'channels'\?"),
        (lambda: IMAGE.rename(height="h"), r"There is no dimension 'height'"),
        (lambda: IMAGE.align_to("rows", "columns"), r"\(channels\) of \(channels, rows, columns\) has no place in"),
        (lambda: IMAGE.refine("n", ...), r"Dimension 0 is 'channels' already, not 'n'; \.rename\(channels='n'\)"),
        (lambda: IMAGE.refine("channels"), r"has 3 dimensions, .* given are \(channels\)"),
        (lambda: Named(torch.zeros(2, 2), ("a", "a")), r"each with a name of its own; given are \(a, a\)"),
        (lambda: arrange(torch.zeros(2, 3), "h w c -> image"), r"shape \(2, 3\) has 2 dimensions"),
        (lambda: arrange(torch.zeros(2), "h w"), r"does not say where to: .*'h w c -> c h w'"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(StepwellError, match=message):
        call()
