"""A run's own training pictures, to compare new ones with."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stepwell.core.errors import DataError, ModelError
from stepwell.data.batch import Source
from stepwell.data.checks import CHECK_KEY
from stepwell.insight.confused import similar_pictures
from stepwell.recipes.launch import rebuild
from stepwell.reports.looked import Near
from stepwell.runs import Run
from stepwell.tasks.base import Task

_KNOWN, _BLOCK, _NEAREST = 6000, 256, 6


@dataclass(frozen=True, eq=False)
class Known:
    """Training pictures `(n, c, h, w)` and what they are."""

    pictures: Tensor
    labels: tuple[str, ...]


def known_pictures(run: Run, task: Task) -> Known:
    """Up to 6,000 training pictures of a run, evenly over its rows. Raises `StepwellError` where its data is gone."""
    source = rebuild(run).data.train
    if not isinstance(source, Source):
        raise DataError("The training data is a DataLoader, which cannot be asked for a row.")
    rows = torch.arange(0, len(source), -(-len(source) // _KNOWN))
    batches = [source.batch(part, CHECK_KEY) for part in torch.split(rows, _BLOCK)]
    targets = [target for batch in batches for target in batch.targets]
    return Known(torch.cat([batch.inputs for batch in batches]), tuple(task.name_target(each) for each in targets))


def nearest(model: nn.Module, picture: Tensor, known: Known) -> tuple[Near, ...]:
    """The known pictures that the model puts nearest to `picture` `(1, c, h, w)`; none where it has no linear layer."""
    try:
        found = similar_pictures(model, picture, known.pictures, _NEAREST)
    except ModelError:
        return ()
    pairs = zip(found.rows[0].tolist(), found.distances[0].tolist(), strict=True)
    return tuple(Near(known.pictures[row].numpy(), known.labels[row], distance) for row, distance in pairs)
