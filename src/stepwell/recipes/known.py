"""A run's own training pictures, to compare new ones with."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from stepwell.core.errors import DataError, ModelError
from stepwell.data.batch import Source
from stepwell.data.checks import CHECK_KEY
from stepwell.insight.confused import features_of
from stepwell.insight.neighbours import nearest_rows
from stepwell.recipes.launch import rebuild
from stepwell.reports.looked import Near
from stepwell.runs import Run
from stepwell.tasks.base import Task

_KNOWN, _BLOCK, _NEAREST = 6000, 256, 6


@dataclass(frozen=True, eq=False)
class Known:
    """Training pictures `(n, c, h, w)`, what they are, and the network that finds them alike."""

    pictures: Tensor
    labels: tuple[str, ...]
    model: nn.Module

    @cached_property
    def features(self) -> Tensor:
        """What the network makes of the pictures, found once, however many others they are compared with."""
        return features_of(self.model, self.pictures)


def known_pictures(run: Run, task: Task, model: nn.Module) -> Known:
    """Up to 6,000 training pictures of a run, evenly over its rows, for its network `model`.

    Raises `StepwellError` where the data is gone.
    """
    source = rebuild(run).data.train
    if not isinstance(source, Source):
        raise DataError("The training data is a DataLoader, which cannot be asked for a row.")
    rows = torch.arange(0, len(source), -(-len(source) // _KNOWN))
    batches = [source.batch(part, CHECK_KEY) for part in torch.split(rows, _BLOCK)]
    targets = [target for batch in batches for target in batch.targets]
    labels = tuple(task.name_target(each) for each in targets)
    return Known(torch.cat([batch.inputs for batch in batches]), labels, model)


def nearest(picture: Tensor, known: Known) -> tuple[Near, ...]:
    """The known pictures that its network puts nearest to `picture` `(1, c, h, w)`; none where it has no linear layer."""
    try:
        rows, distances = nearest_rows(known.features, features_of(known.model, picture), _NEAREST)
    except ModelError:
        return ()
    pairs = zip(rows[0].tolist(), distances[0].tolist(), strict=True)
    return tuple(Near(known.pictures[row].numpy(), known.labels[row], distance) for row, distance in pairs)
