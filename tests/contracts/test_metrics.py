"""Every metric is a row of `METRICS` and passes the same checks."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import MAE, R2, RMSE, Accuracy, Confusion, Metric, Ranking

CPU = torch.device("cpu")
Rows = Callable[[torch.Generator, int], tuple[Tensor, Tensor]]


def labels(classes: int, *shape: int) -> Rows:
    def rows(source: torch.Generator, count: int) -> tuple[Tensor, Tensor]:
        predicted, truth = torch.randint(classes, (2, count, *shape), generator=source)
        return predicted, truth

    return rows


def scores(source: torch.Generator, count: int) -> tuple[Tensor, Tensor]:
    truth = torch.rand(count, generator=source) < 0.4
    return torch.randn(count, generator=source) + truth, truth.float()


def values(*shape: int, mean: float = 0.0) -> Rows:
    def rows(source: torch.Generator, count: int) -> tuple[Tensor, Tensor]:
        truth = mean + torch.randn(count, *shape, generator=source)
        return truth + torch.randn(count, *shape, generator=source), truth

    return rows


METRICS: dict[str, tuple[Metric, Rows]] = {
    "accuracy": (Accuracy(), labels(3)),
    "accuracy of sequences": (Accuracy(), labels(3, 7)),
    "confusion of two": (Confusion(2), labels(2)),
    "confusion of five": (Confusion(5), labels(5)),
    "confusion of pixels": (Confusion(4), labels(4, 6, 5)),
    "ranking": (Ranking(), scores),
    "mae": (MAE(), values()),
    "mae of images": (MAE(), values(3, 4, 4)),
    "rmse": (RMSE(), values(2)),
    "r2": (R2(), values()),
    "r2 far from zero": (R2(), values(2, mean=1000.0)),
}


@pytest.fixture(params=METRICS)
def row(request: pytest.FixtureRequest) -> tuple[Metric, Tensor, Tensor]:
    metric, rows = METRICS[request.param]
    return metric, *rows(torch.Generator().manual_seed(13), 97)


def with_real_predictions(test: Callable[..., None]) -> Callable[..., None]:
    """For checks of numbers that have a precision and a gradient, which labels lack."""
    names = [name for name, (metric, _) in METRICS.items() if metric.needs != "labels"]
    return pytest.mark.parametrize("row", names, indirect=True)(test)


def state_of(metric: Metric, predicted: Tensor, truth: Tensor, sizes: list[int] | None = None) -> Tensor:
    state = metric.zero(CPU)
    for batch in zip(predicted.split(sizes or len(truth)), truth.split(sizes or len(truth)), strict=True):
        metric.update(state, *batch)
    return state


def assert_same(state: Tensor, other: Tensor) -> None:
    """Counts are equal; sums differ by the rounding of float64 at most."""
    torch.testing.assert_close(state, other, rtol=1e-12 if state.is_floating_point() else 0, atol=0)


def test_no_rows_define_nothing(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, _, _ = row
    numbers = metric.compute(metric.zero(CPU))
    assert numbers
    assert all(math.isnan(number) for number in numbers.values())


def test_state_is_counts_or_float64_sums_of_fixed_size(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    state = metric.zero(CPU)
    place, shape, dtype = state.data_ptr(), state.shape, state.dtype
    for _ in range(3):
        assert metric.update(state, predicted, truth) is None
    assert dtype in (torch.int64, torch.float64)
    assert (state.data_ptr(), state.shape, state.dtype) == (place, shape, dtype)
    assert not torch.equal(state, metric.zero(CPU))


def test_numbers_are_floats_under_stable_names(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    state = state_of(metric, predicted, truth)
    kept = state.clone()
    numbers = metric.compute(state)
    assert list(numbers) == list(metric.compute(metric.zero(CPU)))
    assert all(type(number) is float and math.isfinite(number) for number in numbers.values())
    assert torch.equal(state, kept), "compute altered the state"


@pytest.mark.parametrize("sizes", [[1] * 97, [96, 1], [0, 32, 32, 0, 32, 1]])
def test_batches_may_be_split_anyhow(row: tuple[Metric, Tensor, Tensor], sizes: list[int]) -> None:
    metric, predicted, truth = row
    assert_same(state_of(metric, predicted, truth, sizes), state_of(metric, predicted, truth))


def test_merged_parts_are_the_whole(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    parts = [state_of(metric, *part) for part in zip(predicted.split(40), truth.split(40), strict=True)]
    merged = metric.merge(torch.stack([metric.zero(CPU), *parts]))
    assert merged.is_contiguous()
    assert_same(merged, state_of(metric, predicted, truth))
    metric.update(merged, predicted, truth)
    assert_same(merged, state_of(metric, torch.cat((predicted, predicted)), torch.cat((truth, truth))))


def test_order_of_rows_does_not_matter(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    assert_same(state_of(metric, predicted.flip(0), truth.flip(0)), state_of(metric, predicted, truth))


def test_update_leaves_its_arguments_alone(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    versions = predicted._version, truth._version
    # float64 values are where a conversion makes no copy, and an in-place step would reach the caller's tensor
    for given in ((predicted, truth), (predicted.double(), truth.double())):
        kept = [tensor.clone() for tensor in given]
        metric.update(metric.zero(CPU), *given)
        assert all(torch.equal(*pair) for pair in zip(given, kept, strict=True))
    assert (predicted._version, truth._version) == versions


@with_real_predictions
def test_state_does_not_keep_the_graph(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    state = state_of(metric, predicted.requires_grad_(), truth)
    assert not state.requires_grad


def test_update_never_waits_for_the_device(row: tuple[Metric, Tensor, Tensor]) -> None:
    """Meta tensors hold no data, so reading a number from one raises, as synchronising with a device would cost."""
    metric, predicted, truth = row
    state = metric.zero(torch.device("meta"))
    metric.update(state, predicted.to("meta"), truth.to("meta"))
    assert metric.merge(torch.stack((state, state))).device.type == "meta"


def test_shapes_that_would_broadcast_are_refused(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    state = metric.zero(CPU)
    with pytest.raises(TaskError, match="one prediction for every target"):
        metric.update(state, predicted[:1], truth)
    with pytest.raises(TaskError, match=r"predictions of shape .* and targets of shape .*"):
        metric.update(state, predicted.unsqueeze(-1).repeat_interleave(2, -1), truth)
    assert torch.equal(state, metric.zero(CPU)), "a refused batch was counted"


def test_a_dimension_of_one_makes_no_difference(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    column = state_of(metric, predicted.unsqueeze(-1), truth)
    assert torch.equal(column, state_of(metric, predicted, truth))
    assert torch.equal(state_of(metric, predicted, truth.unsqueeze(1)), column)


@with_real_predictions
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_of_the_model_is_taken_as_it_is(row: tuple[Metric, Tensor, Tensor], dtype: torch.dtype) -> None:
    metric, predicted, truth = row
    given = predicted.to(dtype)
    assert torch.equal(state_of(metric, given, truth), state_of(metric, given.float(), truth))


def test_target_types_make_no_difference(row: tuple[Metric, Tensor, Tensor]) -> None:
    metric, predicted, truth = row
    if metric.needs == "values":
        truth = truth.round()
    else:
        assert torch.equal(truth, truth.round())
    types = [torch.int32, torch.float32, torch.float64] + [torch.uint8, torch.bool] * bool(truth.max() <= 1)
    states = [state_of(metric, predicted, truth.to(dtype)) for dtype in types]
    assert all(torch.equal(states[0], other) for other in states)


def test_equal_settings_are_one_metric_with_a_known_view() -> None:
    assert Confusion(3) == Confusion(3) != Confusion(4)
    assert {metric.needs for metric, _ in METRICS.values()} == {"labels", "scores", "values"}
