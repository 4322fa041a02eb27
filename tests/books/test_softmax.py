"""Softmax, likelihood and its logarithm: Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, chapter 7, row S7.3.

The table of losses and the underflow are of the chapter's notebook, `p1ch7/2_birds_airplanes.ipynb`.
"""

import math
from functools import partial

import pytest
import torch
from torch import Tensor

import stepwell as sw

row = partial(pytest.mark.book, "dlwp-chapters-1-8", "S7.3")
LOGITS = sw.Multiclass(classes=3)
TWO, TWO_LOGS = sw.Multiclass(classes=2), sw.Multiclass(classes=2, outputs="log_probabilities")
SQUARES = sw.Regression()

GUESSES = torch.tensor([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])
LABELS = torch.tensor([0, 0, 1, 1])
FIRST_GUESSES = ((0.9, 0.1), (0.6, 0.4), (0.4, 0.6), (0.1, 0.9))  # more right, as it is, slightly wrong, very wrong


def close(found: Tensor, *printed: float) -> None:
    """To the four places that the book prints."""
    torch.testing.assert_close(found.flatten(), torch.tensor(printed), rtol=0, atol=5.1e-5)


@row(recipe="tasks.Multiclass", kind="exact")
def test_s7_3_softmax() -> None:
    """Of 1, 2 and 3 it is .0900, .2447 and .6652, which sum to 1; numbers of a ratio of 0.5 come out at one of 0.3678."""
    chances = LOGITS.predict(torch.tensor([[1.0, 2.0, 3.0]]))[0]
    close(chances, 0.0900, 0.2447, 0.6652)
    assert float(chances.sum()) == pytest.approx(1, abs=1e-6)
    # The book cuts 0.36788 off, where it rounds elsewhere.
    ratio = float(chances[0] / chances[1])
    assert (math.floor(1e4 * ratio), ratio) == (3678, pytest.approx(math.exp(-1), abs=1e-6))


@row(recipe="tasks.Multiclass", kind="exact")
def test_s7_3_along_the_classes_of_each_row() -> None:
    """`Softmax(dim=1)` makes each of two rows sum to 1, not each column; other rows do not change a row's."""
    twice = LOGITS.predict(torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    for chances in twice:
        close(chances, 0.0900, 0.2447, 0.6652)
    apart = LOGITS.predict(torch.tensor([[1.0, 2.0, 3.0], [9.0, -4.0, 0.0]]))
    assert torch.equal(apart[0], twice[0])
    torch.testing.assert_close(apart.sum(1), torch.ones(2))


@row(recipe="tasks.Multiclass", kind="exact")
def test_s7_3_the_untrained_networks_loss() -> None:
    """Outputs of .4784 and .5216 are a loss of .6509 where the second class is right; the answer is that class."""
    logs = torch.tensor([[0.4784, 0.5216]]).log()
    close(TWO_LOGS.loss(logs, torch.tensor([1])), 0.6509)
    assert TWO_LOGS.answers(logs)[0]["label"] == "1"


@row(recipe="tasks.Multiclass", kind="exact")
def test_s7_3_log_softmax_and_nll_are_cross_entropy_to_the_bit() -> None:
    """Cross-entropy of raw outputs, and the negative log-likelihood of their log-softmax: losses and gradients are equal."""
    generator = torch.Generator().manual_seed(7)
    raw, labels = 5 * torch.randn(64, 2, generator=generator), torch.randint(0, 2, (64,), generator=generator)
    losses, gradients = [], []
    for task in (TWO, TWO_LOGS):
        outputs = raw.clone().requires_grad_()
        loss = task.loss(outputs if task is TWO else outputs.log_softmax(1), labels)
        losses.append(loss)
        gradients += torch.autograd.grad(loss, outputs)
    assert torch.equal(*losses)
    assert torch.equal(*gradients)


def guesses(first: tuple[float, float]) -> Tensor:
    """The four rows, with another first one."""
    return torch.cat([torch.tensor([first]), GUESSES[1:]])


@row(recipe="tasks.Multiclass", kind="exact")
def test_s7_3_likelihood() -> None:
    """The right classes' .6, .9, .7 and .8 have a likelihood of .3024; minus its logarithm, 1.1960, is the sum of the losses."""
    each = TWO_LOGS.losses(GUESSES.log(), LABELS)
    torch.testing.assert_close((-each).exp(), torch.tensor([0.6, 0.9, 0.7, 0.8]))
    close((-each.sum()).exp(), 0.3024)
    close(each.sum(), 1.1960)


@row(recipe="tasks.Multiclass", kind="exact")
@row(recipe="tasks.Regression", kind="exact")
def test_s7_3_squares_against_likelihood() -> None:
    """A first row more right, as it is, wrong, very wrong: squares .0750 .1500 .2500 .4750, NLL .7905 1.1960 1.6015 2.9878.

    In per cent of the second: -50, 67 and 217 against -34, 34 and 150. The book adds the squares of a row's two numbers,
    where `Regression` has their mean; and it adds the rows' log-likelihoods.
    """
    truth = torch.eye(2)[LABELS]
    squares = torch.stack([2 * SQUARES.loss(guesses(first), truth) for first in FIRST_GUESSES])
    likelihoods = torch.stack([TWO_LOGS.losses(guesses(first).log(), LABELS).sum() for first in FIRST_GUESSES])
    close(squares, 0.0750, 0.1500, 0.2500, 0.4750)
    close(likelihoods, 0.7905, 1.1960, 1.6015, 2.9878)
    for losses, printed in ((squares, (-50, 0, 66.6667, 216.6667)), (likelihoods, (-33.9016, 0, 33.9016, 149.8121))):
        assert (100 * (losses / losses[1] - 1)).tolist() == pytest.approx(printed, abs=5e-4)


@row(recipe="tasks.Regression", kind="property")
def test_s7_3_squares_hardly_tell_wrong_from_utterly_wrong() -> None:
    """As the right class's probability goes to 0, the squared error ends at 2 and its slope at -4; the NLL has no bound."""
    right = torch.tensor([1e-2, 1e-4, 1e-6], dtype=torch.float64, requires_grad=True)
    outputs = torch.stack([right, 1 - right], 1)
    squares = 2 * SQUARES.losses(outputs, torch.eye(2, dtype=torch.float64)[[0, 0, 0]])
    likelihoods = TWO_LOGS.losses(outputs.log(), torch.tensor([0, 0, 0]))
    assert squares.max() < 2
    assert likelihoods.tolist() == pytest.approx([math.log(100) * times for times in (1, 2, 3)])
    slopes = [torch.autograd.grad(each.sum(), right, retain_graph=True)[0] for each in (squares, likelihoods)]
    assert slopes[0].abs().max() < 4
    torch.testing.assert_close(slopes[1], -1 / right.detach())


@row(recipe="tasks.Multiclass", kind="exact")
def test_s7_3_underflow() -> None:
    """Of 0 and 104, softmax gives 0 and 1, whose logarithms are -inf and 0; log-softmax gives -104, and so does our loss."""
    outputs, wrong = torch.tensor([[0.0, 104.0]], requires_grad=True), torch.tensor([0])
    chances = TWO.predict(outputs)
    assert chances.tolist() == [[0.0, 1.0]]
    assert chances.log().tolist() == [[-math.inf, 0.0]]
    assert TWO_LOGS.loss(chances.log(), wrong) == math.inf  # what the book warns of
    for loss in (TWO.loss(outputs, wrong), TWO_LOGS.loss(outputs.log_softmax(1), wrong)):
        assert loss == 104
        assert torch.autograd.grad(loss, outputs)[0].tolist() == [[-1.0, 1.0]]
