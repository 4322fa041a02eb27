"""What a network looks at in pictures: where it looked in its worst mistakes, which classes it confuses, its first filters."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from stepwell.core.devices import device_of
from stepwell.data.augment import Augment
from stepwell.data.augment.augment import examples
from stepwell.data.batch import Batch, Source
from stepwell.data.checks import CHECK_KEY
from stepwell.insight.pictured import image_insight, packed
from stepwell.training.evaluation import class_names
from stepwell.training.experiment import Experiment

_MOST_ROWS = 2000  # that are looked through for mistakes
_AT_ONCE = 256
_EXAMPLES, _DRAWS = 4, 6


def insight(experiment: Experiment, side: str) -> dict[str, Any]:
    """What `stepwell.reports.seen` draws, of evenly spaced rows of a side; with an augmentation, what training sees."""
    source = getattr(experiment.data, side)
    rows = torch.linspace(0, len(source) - 1, min(_MOST_ROWS, len(source))).long()
    batch = _joined([source.batch(index, CHECK_KEY) for index in rows.split(_AT_ONCE)])  # type: ignore[no-untyped-call]
    pictures = batch.inputs.to(device_of(experiment.model))
    found = image_insight(experiment.model, pictures, batch.targets, class_names(experiment.task), rows=batch.index)
    return found | _augmented(experiment)


def _joined(batches: Sequence[Batch]) -> Batch:
    inputs, targets, index = zip(*batches, strict=True)
    return Batch(torch.cat(inputs), torch.cat(targets), torch.cat(index))


def _augmented(experiment: Experiment) -> dict[str, Any]:
    """A few training pictures, each as it is and as epochs show it."""
    augment, train = experiment.augment, experiment.data.train
    if not (isinstance(augment, Augment) and isinstance(train, Source)):
        return {}
    few: Tensor = train.batch(torch.arange(min(_EXAMPLES, len(train))), CHECK_KEY).inputs
    drawn = examples(augment, few, _DRAWS).double().numpy()
    return {
        "augmented": {"what": repr(augment), "pictures": packed(few.double().numpy() / 255), "draws": packed(drawn)}
    }
