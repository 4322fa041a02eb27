"""What a network looks at in pictures: where it looked in its worst mistakes, which classes it confuses, its first filters."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from stepwell.core.keys import Key
from stepwell.data.augment import Augment
from stepwell.data.augment.operation import floats
from stepwell.data.batch import Batch, Source
from stepwell.data.checks import CHECK_KEY
from stepwell.insight.pictured import image_insight, packed, small
from stepwell.training.evaluation import class_names
from stepwell.training.experiment import Experiment

_MOST_ROWS, _FEWEST_ROWS = 2000, 64  # that are looked through for mistakes
_NUMBERS = 2**24  # of which pictures, so that large ones take a network seconds, not minutes
_LARGE, _MISTAKES = 96, (6, 3)  # pixels of a side beyond which fewer mistakes are explained
_AT_ONCE = 256
_EXAMPLES, _DRAWS = 4, 6


def insight(experiment: Experiment, side: str) -> dict[str, Any]:
    """What `stepwell.reports.seen` draws, of evenly spaced rows of a side; with an augmentation, what training sees."""
    source = getattr(experiment.data, side)
    one = source.batch(torch.zeros(1, dtype=torch.int64), CHECK_KEY).inputs
    count = min(len(source), _MOST_ROWS, max(_FEWEST_ROWS, _NUMBERS // one.numel()))
    rows = torch.linspace(0, len(source) - 1, count).long()
    batch = _joined([source.batch(index, CHECK_KEY) for index in rows.split(_AT_ONCE)])  # type: ignore[no-untyped-call]
    most = _MISTAKES[min(one.shape[2:]) > _LARGE]
    classes = class_names(experiment.task)
    found = image_insight(experiment.model, batch.inputs, batch.targets, classes, most=most, rows=batch.index)
    return found | _augmented(experiment)


def _joined(batches: Sequence[Batch]) -> Batch:
    inputs, targets, index = zip(*batches, strict=True)
    return Batch(torch.cat(inputs), torch.cat(targets), torch.cat(index))


def _augmented(experiment: Experiment) -> dict[str, Any]:
    """A few training pictures, each as it is and as the first epochs show it."""
    augment, train = experiment.augment, experiment.data.train
    if not (isinstance(augment, Augment) and isinstance(train, Source)):
        return {}
    few, key = train.batch(torch.arange(min(_EXAMPLES, len(train))), CHECK_KEY), Key(experiment.seed)("augment")
    drawn = torch.stack([floats(augment(few, key(epoch)).inputs) for epoch in range(_DRAWS)])
    return {"augmented": {"what": repr(augment), "pictures": _packed(floats(few.inputs)), "draws": _packed(drawn)}}


def _packed(values: Tensor) -> dict[str, Any]:
    """Pictures `(…, c, h, w)`, made smaller where they are large."""
    less = small(values.flatten(0, -3))
    return packed(less.reshape(*values.shape[:-2], *less.shape[1:]).double().numpy())
