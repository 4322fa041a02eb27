"""Captioning: which words count, and what they come to."""

import math

import pytest
import torch
import torch.nn.functional as F

from stepwell.core.errors import TaskError
from stepwell.tasks import Captioning
from stepwell.tasks.captioning import WordsRight, real_words

TASK = Captioning(words=("<end>", "<unknown>", "a", "cat"))
TARGETS = torch.tensor([[2, 3, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [2, 2, 2, 2]])
OUTPUTS = torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(5))
REAL = [[0, 1, 2], [0, 1], [0], [0, 1, 2, 3]]


def test_a_caption_counts_up_to_its_first_end() -> None:
    assert [row.nonzero()[:, 0].tolist() for row in real_words(TARGETS)] == REAL
    assert int(TASK.weight(TARGETS)) == 10


def test_the_loss_is_the_mean_over_real_words() -> None:
    each = [[float(F.cross_entropy(OUTPUTS[n, t], TARGETS[n, t])) for t in row] for n, row in enumerate(REAL)]
    assert TASK.losses(OUTPUTS, TARGETS).tolist() == pytest.approx([sum(row) for row in each])
    assert float(TASK.loss(OUTPUTS, TARGETS)) == pytest.approx(sum(map(sum, each)) / 10)
    filled = OUTPUTS.clone()
    filled[~real_words(TARGETS)] = 1e6
    assert torch.equal(TASK.losses(filled, TARGETS), TASK.losses(OUTPUTS, TARGETS))


def test_words_and_captions_that_are_right() -> None:
    metric, predicted = WordsRight(), TARGETS.clone()
    predicted[0, 3], predicted[1, 1], predicted[3, 0] = 2, 3, 0  # filling up, an end, a word
    state = metric.zero(torch.device("cpu"))
    assert all(math.isnan(number) for number in metric.compute(state).values())
    for row in range(4):
        metric.update(state, predicted[row : row + 1], TARGETS[row : row + 1])
    assert metric.compute(state) == {"accuracy": 0.8, "captions_right": 0.5}


def test_rows_are_named_for_people() -> None:
    told = F.one_hot(TARGETS, 4).float()
    assert TASK.answers(told) == [{"caption": text} for text in ("a cat", "cat", "", "a a a a")]
    assert TASK.name_target(TARGETS[0]) == TASK.name_target(told[0]) == "a cat"


def test_mistakes_are_told() -> None:
    with pytest.raises(TaskError, match=r"There is a target 4, but 4 words are numbered from 0\."):
        TASK.check_targets(TARGETS + 1)
    with pytest.raises(TaskError, match="There is a target -1"):
        TASK.check_targets(TARGETS - 1)
    with pytest.raises(TaskError, match=r"shape \(4,\); captions are \(batch, steps\)"):
        TASK.check_targets(TARGETS[0])
    with pytest.raises(TaskError, match="gives 3 numbers a step, but there are 4 words"):
        TASK.check_outputs(OUTPUTS[..., :3], TARGETS)
    with pytest.raises(TaskError, match="ends in nn.Softmax"):
        TASK.check_outputs(OUTPUTS.clone().requires_grad_().softmax(2), TARGETS)
    with pytest.raises(TaskError, match="A metric of scores does not fit captions"):
        TASK.view("scores", OUTPUTS)
