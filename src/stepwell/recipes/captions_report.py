"""What words alone reach on captions, without a look at the pictures."""

import time
from typing import Any

import torch
from torch import Tensor

from stepwell.data.batch import Source
from stepwell.data.checks import blocks
from stepwell.tasks.captioning import Captioning, real_words
from stepwell.training.experiment import Experiment
from stepwell.training.step import StepResult
from stepwell.training.tally import Tally

_AT_ONCE = 64  # captions, each with a number for every word and step


def baselines(experiment: Experiment, side: str) -> list[dict[str, Any]]:
    """The training captions' shares of words at each place, as `{"name", "what", "metrics", "seconds"}` on a side's rows."""
    started = time.perf_counter()
    logits = _shares(experiment).log()
    task, source = experiment.task, getattr(experiment.data, side)
    tally = Tally(task, task.final_metrics(), torch.device("cpu"))
    for number, batch in enumerate(blocks(source, _AT_ONCE)):
        outputs = logits.expand(len(batch.targets), -1, -1)
        tally.add(StepResult(task.loss(outputs, batch.targets), task.weight(batch.targets), outputs), batch, number)
    return [
        {
            "name": "commonest word",
            "what": "the training captions' shares of words at each place, whatever the picture",
            "metrics": tally.numbers(),
            "seconds": time.perf_counter() - started,
        }
    ]


def _shares(experiment: Experiment) -> Tensor:
    """The share of each word at each place, `(steps, words)`, of one more of each than there are, so that none is 0."""
    assert isinstance(experiment.task, Captioning)
    assert isinstance(experiment.data.train, Source)
    words = len(experiment.task.words)
    counts: Tensor | None = None
    for batch in blocks(experiment.data.train):
        if counts is None:
            counts = torch.ones(batch.targets.shape[1] * words)
        places = torch.arange(batch.targets.shape[1]) * words + batch.targets
        counts += torch.bincount(places[real_words(batch.targets)], minlength=len(counts))
    assert counts is not None  # a side has rows
    table = counts.view(-1, words)
    return table / table.sum(1, keepdim=True)


def insight(experiment: Experiment, side: str) -> dict[str, Any]:
    """Nothing: which part of a picture a word comes from is not looked into."""
    return {}
