"""`stepwell.inspect`: what it finds out, and what it shows."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import stepwell
from stepwell.core.errors import StepwellError
from stepwell.core.tensors.layout import layout_of, shared_elements
from stepwell.data import Batch

POINTS = torch.tensor([[4.0, 1.0], [5.0, 3.0], [2.0, 1.0]])


def test_a_transposed_tensor_is_shown_as_it_lies() -> None:
    points = POINTS.clone()
    text = repr(stepwell.inspect(points.t(), {"points": points, "row": points[1], "copy": points.clone()}))
    assert text == (
        "Tensor (2, 3) of float32 on cpu\n"
        "\n"
        "shape       (2, 3)   6 elements\n"
        "dtype       float32  4 bytes each: what networks compute in\n"
        "device      cpu\n"
        "stride      (1, 2)   [i, j] lies at place i + 2·j\n"
        "offset      0        place of the first element in the storage\n"
        "contiguous  no       lies in memory as [j, i]; x.contiguous() copies it into the\n"
        "                     order [i, j]\n"
        "bytes       24       all of its storage\n"
        "gradient    no       autograd does not follow it\n"
        "shares      points   the same memory: a change in one is seen in the other\n"
        "shares      row      2 of its 6 elements\n"
        "no share    copy     another storage\n"
        "\n"
        "place       0      1      2      3      4      5\n"
        "value       4      1      5      3      2      1\n"
        "element     [0,0]  [1,0]  [0,1]  [1,1]  [0,2]  [1,2]"
    )


def test_a_part_of_a_large_storage_is_shown_as_a_bar_with_statistics() -> None:
    images = torch.arange(8 * 3 * 4 * 4.0).reshape(8, 3, 4, 4)
    text = " ".join(repr(stepwell.inspect(images[2:4], dims="n c h w")).split())
    assert "96 elements: 2 in the batch, 3 channels, 4 high, 4 wide" in text
    assert "[n, c, h, w] lies at place 96 + 48·n + 16·c + 4·h + w" in text
    assert "░░░░░░██████░░░░░░░░░░░░ places 96 to 191" in text
    assert "values 96 to 191 mean 143.5, standard deviation 27.71" in text
    assert "1 channel, 4 high" in repr(stepwell.inspect(images[:, :1], dims="n c h w"))


def test_the_fields_are_torchs_own() -> None:
    facts = stepwell.inspect(POINTS[1])
    assert (facts.shape, facts.stride, facts.offset, facts.contiguous) == ((2,), (1,), 2, True)
    assert (facts.dtype, facts.device, facts.kind) == (torch.float32, "cpu", "Tensor")
    assert (facts.bytes, facts.storage_bytes, facts.itemsize, facts.size) == (8, 24, 4, 2)
    assert (facts.requires_grad, facts.leaf, facts.made_by) == (False, True, None)


def test_the_gradient_line_tells_leaves_from_results() -> None:
    parameter = nn.Parameter(torch.ones(2))
    assert "gradient    yes      a leaf: x.grad will hold its gradient" in repr(stepwell.inspect(parameter))
    assert "no leaf: MulBackward0 made it, so x.grad stays None" in repr(stepwell.inspect(parameter * 2))
    parameter.sum().backward()
    facts = stepwell.inspect(parameter)
    assert (facts.kind, facts.has_grad, facts.requires_grad) == ("Parameter", True, True)
    assert "x.grad holds its gradient" in repr(facts)


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (torch.zeros(3, 4)[:, 1:3], "gaps lie between its places; x.contiguous() copies"),
        (torch.zeros(4).expand(3, 4), "a stride of 0 makes one place many elements; x.contiguous() copies"),
        (torch.zeros(6).unfold(0, 3, 1), "elements lie at the same places; x.contiguous() copies"),
        (np.zeros((2, 3))[::-1], "a negative stride runs backwards; np.ascontiguousarray(x) copies"),
        (torch.zeros(2, 3, 4).permute(2, 0, 1), "lies in memory as [j, k, i]; x.contiguous() copies it"),
    ],
)
def test_why_it_is_not_contiguous(x: Any, why: str) -> None:
    facts = stepwell.inspect(x)
    assert not facts.contiguous
    assert why in " ".join(repr(facts).split())


def test_repeated_and_overlapping_elements_are_drawn() -> None:
    expanded = stepwell.inspect(torch.arange(2.0).expand(3, 2))
    assert expanded.drawing.splitlines()[-1].split() == ["element", "[*,0]", "[*,1]"]
    assert "would be, but the storage has 8: places are used again" in repr(expanded)
    windows = stepwell.inspect(torch.arange(5).unfold(0, 3, 1)).drawing.splitlines()
    assert [line.split() for line in windows[2:]] == [
        ["element", "[0,0]", "[0,1]", "[0,2]", "[1,2]", "[2,2]"],
        ["[1,0]", "[1,1]", "[2,1]"],
        ["[2,0]"],
    ]
    crowded = stepwell.inspect(torch.as_strided(torch.arange(7), (4, 4), (1, 1))).drawing.splitlines()
    assert "+2" in crowded[-1].split()


def test_a_long_storage_is_drawn_in_blocks_of_eighty_columns() -> None:
    drawing = stepwell.inspect(torch.arange(24).reshape(2, 3, 4)).drawing
    assert max(map(len, drawing.splitlines())) <= 80
    assert drawing.count("place") == 4
    assert stepwell.inspect(torch.arange(25)).drawing == ""


def test_numpy_arrays_are_described_in_elements_and_share_with_tensors() -> None:
    array = np.arange(12.0)
    tensor = torch.from_numpy(array)
    part = array.reshape(3, 4)[::-1, ::2]
    facts = stepwell.inspect(part, tensor[8:], tensor.clone())
    assert (facts.kind, facts.stride, facts.offset) == ("NumPy array", (-4, 2), 8)
    assert facts.storage_bytes == 96
    assert facts.shares["others[0]"].elements == 2
    assert facts.apart == ("others[1]",)
    assert "NumPy's default; networks take float32: x.astype('float32')" in " ".join(repr(facts).split())
    back = stepwell.inspect(tensor.numpy()[2:])
    assert (back.offset, back.storage_bytes) == (2, 96)
    assert back.drawing.splitlines()[2].split()[:4] == ["element", "·", "·", "[0]"]


def test_what_memory_is_shared_does_not_depend_on_which_library_shows_it() -> None:
    tensor = torch.zeros(4, 4)
    facts = stepwell.inspect(tensor, tensor.numpy(), tensor.numpy()[1:], tensor.view(torch.uint8), tensor[:, 1:3].T)
    assert [share.elements for share in facts.shares.values()] == [16, 12, 16, 8]
    assert [share.same for share in facts.shares.values()] == [True, False, True, False]


def test_one_storage_without_a_common_element() -> None:
    tensor = torch.zeros(6)
    facts = stepwell.inspect(tensor[::2], tensor[1::2], torch.zeros(6))
    assert facts.shares["others[0]"].elements == 0
    assert "shares      others[0]  the same storage, but no element of it" in repr(facts)
    assert "no share    others[1]  another storage" in repr(facts)


def strided(draw: Any, base: Tensor) -> Tensor:
    rank = draw(st.integers(0, 3))
    shape = [draw(st.integers(1, 3)) for _ in range(rank)]
    stride = [draw(st.integers(0, 4)) for _ in range(rank)]
    reach = sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    return torch.as_strided(base, shape, stride, draw(st.integers(0, len(base) - 1 - reach)))


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_common_elements_are_those_that_numpy_finds(data: Any) -> None:
    base = torch.zeros(32)
    one, other = strided(data.draw, base), strided(data.draw, base)
    found = stepwell.inspect(one, other).shares["others[0]"].elements
    assert (found > 0) == np.shares_memory(one.numpy(), other.numpy())
    base.zero_()
    other.fill_(1)
    assert found == int(one.sum())


@given(st.integers(0, 20), st.integers(1, 20), st.integers(0, 20), st.integers(1, 20))
def test_elements_of_other_sizes(start: int, size: int, first: int, count: int) -> None:
    """Dense stretches and the comparison one by one agree, also for elements of other sizes that begin in between."""
    memory = np.zeros(200, np.uint8)
    one, other = memory[start:][: 4 * size].view(np.float32), memory[first:][: 2 * count].view(np.int16)
    spread = np.lib.stride_tricks.as_strided(other, (count, 2), (2, 0))  # the same bytes, and no longer dense
    dense, single = (shared_elements(layout_of(one), layout_of(x)) for x in (other, spread))
    touched = memory.copy()
    touched[first : first + 2 * count] = 1
    assert dense == single == int(touched[start:][: 4 * size].reshape(-1, 4).any(1).sum())


def test_a_tree_is_a_table_that_counts_each_storage_once() -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10), nn.BatchNorm1d(10))
    model[1].weight = model[0].weight
    facts = stepwell.inspect(model)
    lines = repr(facts).splitlines()
    assert lines[1].split() == ["0.weight", "(10,", "4)", "float32", "cpu", "(4,", "1)", "160", "yes", "1.weight"]
    assert list(facts.tensors)[-1] == "2.num_batches_tracked"
    assert facts.storage_bytes == 160 + 5 * 40 + 8
    assert lines[-1] == "8 tensors, 131 elements, 368 bytes of storage (each counted once)"
    assert facts["1.weight"].shares["0.weight"].same


def test_trees_of_any_kind_are_named_by_their_place() -> None:
    x = torch.zeros(2, 3)
    facts = stepwell.inspect(Batch({"a": x, "n": [x[0], 3]}, None, torch.arange(2)))
    assert list(facts.tensors) == ["inputs.a", "inputs.n.0", "index"]
    assert repr(facts).splitlines()[1].endswith("inputs.n.0 (part)")
    assert list(stepwell.inspect(x, [x, x.clone()]).shares) == ["others[0].0"]
    assert list(stepwell.inspect({"a": x}, {"a": x})["a"].shares) == ["others[0].a"]


def test_a_large_model_takes_no_time_that_grows_with_its_square() -> None:
    facts = stepwell.inspect(nn.ModuleList(nn.Linear(2, 2) for _ in range(500)))
    assert len(facts.tensors) == 1000
    assert facts.storage_bytes == 500 * (16 + 8)


def test_statistics_leave_out_what_is_not_finite() -> None:
    x = torch.arange(100.0)
    x[3], x[4], x[5] = float("nan"), float("inf"), -float("inf")
    found = stepwell.inspect(x).statistics
    rest = x[x.isfinite()].double()
    assert (found.nan, found.infinite, found.finite) == (1, 2, 97)
    assert (found.least, found.largest) == (0, 99)
    assert found.mean == pytest.approx(rest.mean().item())
    assert found.std == pytest.approx(rest.std(correction=0).item())
    assert "1 NaN, 2 infinite" in " ".join(repr(stepwell.inspect(x)).split())
    assert "values      none finite  30 NaN" in repr(stepwell.inspect(torch.full((30,), float("nan"))))
    assert "none finite" in repr(stepwell.inspect(torch.tensor([float("nan")])))


def test_statistics_of_many_blocks_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepwell.core.tensors.statistics._BLOCK", 64)
    x = torch.randn(1000, 7, generator=torch.Generator().manual_seed(0)) * 3 + 100
    x[:20] = float("nan")
    for kind in (x, x.numpy(), x.T):
        found = stepwell.inspect(kind).statistics
        assert found.mean == pytest.approx(x[20:].double().mean().item(), rel=1e-12)
        assert found.std == pytest.approx(x[20:].double().std(correction=0).item(), rel=1e-9)
        assert (found.least, found.largest, found.nan) == (x[20:].min().item(), x[20:].max().item(), 140)


def test_masks_are_counted() -> None:
    assert "values      2 True  2 False" in repr(stepwell.inspect(torch.tensor([True, False, True, False])))


@pytest.mark.parametrize(
    "x",
    [
        torch.tensor(3.14),
        torch.zeros(0, 3),
        torch.zeros(2, 3, device="meta"),
        torch.tensor([1 + 2j]),
        torch.zeros(3, dtype=torch.bfloat16),
        torch.zeros(40, dtype=torch.float8_e4m3fn),
        np.array(["a", "bc"]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.zeros(3, [("a", "i1"), ("b", "<f8")])["b"],
        np.array(5),
        np.zeros(0),
        torch.zeros([1] * 30),
    ],
    ids=lambda x: f"{type(x).__name__} {x.dtype} {tuple(x.shape)}",
)
def test_every_kind_of_tensor_has_a_table(x: Any) -> None:
    facts = stepwell.inspect(x)
    assert facts.size == np.prod(x.shape)
    assert max(map(len, repr(facts).splitlines())) <= 100 or len(x.shape) == 30


def test_tensors_without_data_have_shapes_alone() -> None:
    meta = torch.zeros(2, 3, device="meta")
    facts = stepwell.inspect(meta, meta)
    assert (facts.drawing, facts.statistics, facts.shares) == ("", None, {})
    assert "device      meta       shapes without data" in repr(facts)
    assert stepwell.inspect([meta, meta]).storage_bytes == 24


def test_what_keeps_a_large_storage_alive_is_told() -> None:
    assert "of a storage of 4,000,000 that it keeps alive: x.clone() frees it" in " ".join(
        repr(stepwell.inspect(torch.zeros(1_000_000)[:5])).split()
    )


def test_nothing_is_changed() -> None:
    x = torch.arange(6.0, requires_grad=True)
    stepwell.inspect(x, x.detach())
    assert x.grad is None
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stepwell.inspect(3.5), r"float is no tensor\. Give a tensor, a NumPy array, a module"),
        (lambda: stepwell.inspect([1, 2]), r"list holds no tensor\. .* torch\.as_tensor makes a tensor of numbers\."),
        (lambda: stepwell.inspect(POINTS, "x"), r"str is no tensor"),
        (lambda: stepwell.inspect(nn.ReLU()), r"ReLU .* no tensor"),
        (lambda: stepwell.inspect(torch.eye(3).to_sparse()), r"The tensor has the layout torch\.sparse_coo"),
        (
            lambda: stepwell.inspect(POINTS, dims="n c h w"),
            r"The shape \(3, 2\) has 2 dimensions, but dims names 4: n, c, h, w\. Name each once",
        ),
        (lambda: stepwell.inspect([POINTS], dims="n c"), r"`dims` names the dimensions of one tensor"),
    ],
)
def test_what_cannot_be_inspected_is_refused(call: Any, message: str) -> None:
    with pytest.raises(StepwellError, match=message):
        call()
