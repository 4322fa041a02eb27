"""Regression: torch's losses, and what is refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stepwell.core.errors import TaskError
from stepwell.metrics import MAE, R2, RMSE
from stepwell.tasks import Regression

G = torch.Generator().manual_seed(8)
FUNCTIONS = {"mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss}


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("shape", [(7,), (7, 1), (7, 2, 3)])
def test_the_loss_is_torchs_to_the_bit(kind: str, shape: tuple[int, ...]) -> None:
    outputs, targets = 2 * torch.randn(2, *shape, generator=G)
    task = Regression(kind=kind)
    assert torch.equal(task.loss(outputs, targets), FUNCTIONS[kind](outputs, targets))
    assert task.losses(outputs, targets).shape == (7,)
    torch.testing.assert_close(task.losses(outputs, targets).sum() / task.weight(targets), task.loss(outputs, targets))


def test_huber_is_squared_up_to_delta_and_straight_beyond() -> None:
    task = Regression(kind="huber", delta=2.0)
    assert task.losses(torch.tensor([1.0, 2.0, 5.0]), torch.zeros(3)).tolist() == [0.5, 2.0, 2 * (5 - 1)]


@pytest.mark.parametrize("check", ["losses", "loss", "check_outputs"])
@pytest.mark.parametrize(("outputs", "targets"), [((4, 1), (4,)), ((4,), (4, 1)), ((4, 2), (4, 3)), ((1,), (4,))])
def test_shapes_that_would_broadcast_are_refused(
    check: str, outputs: tuple[int, ...], targets: tuple[int, ...]
) -> None:
    with pytest.raises(TaskError, match="Stepwell does not broadcast them against each other"):
        getattr(Regression(), check)(torch.zeros(outputs), torch.zeros(targets))


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(
        TaskError, match=r"The targets are torch\.int64; this loss needs floating numbers: targets\.float"
    ):
        Regression().check_targets(torch.tensor([1, 2]))


def test_targets_of_another_precision_are_refused() -> None:
    with pytest.raises(TaskError, match=r"The outputs are torch\.float32, the targets torch\.float64; make .* alike"):
        Regression().check_outputs(torch.zeros(2), torch.zeros(2, dtype=torch.float64))
    Regression().check_outputs(torch.zeros(2, dtype=torch.bfloat16), torch.zeros(2))


def test_the_nearest_loss_is_suggested() -> None:
    with pytest.raises(TaskError, match=r"Unknown loss 'hubr'; known: mse, l1, huber\. Did you mean 'huber'\?"):
        Regression(kind="hubr")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("autocast", [False, True])
def test_losses_of_bf16_outputs_are_computed_in_float32(kind: str, autocast: bool) -> None:
    outputs, targets = torch.randn(2, 6, generator=G)
    half = outputs.bfloat16()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = Regression(kind=kind).loss(half, targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, FUNCTIONS[kind](half.float(), targets))


@pytest.mark.parametrize(
    ("names", "outputs", "answer"),
    [
        ((), torch.tensor([1.5]), {"value": 1.5}),
        ((), torch.tensor([[1.5, 2.0]]), {"value": 1.5, "value 1": 2.0}),
        (("height", "width"), torch.tensor([[1.5, 2.0]]), {"height": 1.5, "width": 2.0}),
    ],
)
def test_answers_are_named(names: tuple[str, ...], outputs: Tensor, answer: dict[str, float]) -> None:
    assert Regression(names=names).answers(outputs) == [{"values": answer}]


def test_predictions_are_the_values() -> None:
    outputs = torch.ones(2, 3)
    assert Regression().predict(outputs) is outputs
    assert Regression().view("values", outputs) is outputs
    with pytest.raises(TaskError, match="A metric of labels does not fit regression"):
        Regression().view("labels", outputs)
    assert Regression().name_target(torch.tensor([1.25, 2.0])) == "1.25, 2"


def test_metrics_and_what_is_watched() -> None:
    assert [type(metric) for metric in Regression().metrics()] == [MAE, RMSE, R2]
    assert Regression().train_metrics() == ()
    assert Regression.watch == ("loss", "min")
