"""Losses of several classes: *Step-by-Step*, volume I, row S27."""

from functools import partial

import pytest
import torch
from torch import Tensor

import stepwell as sw
from stepwell.core.devices import seeded

row = partial(pytest.mark.book, "step-by-step-1", "S27", recipe="Multiclass", kind="exact")
CLASSES = 3


def printed(*numbers: float) -> Tensor:
    """Numbers as the book prints them, to four places."""
    return torch.tensor(numbers)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=5.1e-5)


@pytest.fixture
def five() -> tuple[Tensor, Tensor]:
    """The book's five rows of logits, and their labels."""
    with seeded(11):
        return torch.randn(5, CLASSES), torch.tensor([0, 0, 1, 2, 1])


@row()
def test_s27_logits_odds_and_probabilities() -> None:
    """Logits 1.3863, 0 and -0.6931 are odds of 4, 1 and a half, and probabilities of 0.7273, 0.1818 and 0.0909."""
    logits = torch.tensor([[1.3863, 0.0, -0.6931]])
    close(logits.exp()[0], printed(4, 1, 0.5))
    close(sw.Multiclass(classes=CLASSES).predict(logits)[0], printed(0.7273, 0.1818, 0.0909))


@row()
def test_s27_the_loss_is_minus_the_log_of_the_probability() -> None:
    """Log-softmax gives -0.3185, -1.7048 and -2.3979; the loss of label 2 is 2.3979, from logits as from those."""
    logits = torch.tensor([[1.3863, 0.0, -0.6931]])
    logs = logits.log_softmax(1)
    close(logs[0], printed(-0.3185, -1.7048, -2.3979))
    label = torch.tensor([2])
    for task, outputs in (
        (sw.Multiclass(classes=CLASSES), logits),
        (sw.Multiclass(classes=CLASSES, outputs="log_probabilities"), logs),
    ):
        close(task.losses(outputs, label), printed(2.3979))


@row()
def test_s27_a_mean_over_five_rows(five: tuple[Tensor, Tensor]) -> None:
    """Of five drawn rows, the mean is 1.6553, whichever of the two forms the network gives."""
    logits, labels = five
    close(logits.log_softmax(1)[0], printed(-1.5229, -0.3146, -2.9600))
    close(sw.Multiclass(classes=CLASSES).loss(logits, labels), torch.tensor(1.6553))
    logs = sw.Multiclass(classes=CLASSES, outputs="log_probabilities")
    close(logs.loss(logits.log_softmax(1), labels), torch.tensor(1.6553))


@row()
def test_s27_class_weights_make_a_weighted_mean(five: tuple[Tensor, Tensor]) -> None:
    """Weights 1, 1 and 2 give 1.7188; leaving class 2 out, which the book does by ignore_index, is a weight of 0: 1.5599."""
    logits, labels = five
    for weights, expected in (((1.0, 1.0, 2.0), 1.7188), ((1.0, 1.0, 0.0), 1.5599)):
        close(sw.Multiclass(classes=CLASSES, class_weights=weights).loss(logits, labels), torch.tensor(expected))
