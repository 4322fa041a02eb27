"""Where batches come from: a side of the data, as something that yields an epoch's batches from any place in it."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader

from stepwell.core.errors import DataError, StepwellWarning
from stepwell.core.trees import rows
from stepwell.data.batch import Batch, Source
from stepwell.data.loader import Loader
from stepwell.data.orders import Sequential
from stepwell.training.experiment import Experiment
from stepwell.training.world import World

_EVALUATED_BYTES = 2**21
Side = Source | DataLoader[Any]


class Batches(Protocol):
    """What the loop needs of a loader."""

    def __len__(self) -> int:
        """Batches of an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from number `start` on."""


@dataclass(frozen=True)
class TorchBatches:
    """A torch `DataLoader` as it is. Its order is drawn from torch's generators, which no checkpoint can wind back."""

    loader: DataLoader[Any]

    def __post_init__(self) -> None:
        try:
            len(self.loader)
        except TypeError:
            raise DataError(
                "The DataLoader does not know how many batches an epoch has. Give its dataset a __len__, or its rows to an"
                " ArraySource."
            ) from None

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self.loader)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The loader's next pass; the first `start` batches are drawn and thrown away. Rows are numbered as they come."""
        number = seen = 0
        for number, items in enumerate(self.loader, 1):
            batch = _as_batch(items, seen)
            seen += len(batch.index)
            if number > start:
                yield batch
        if number != len(self):
            raise DataError(f"The DataLoader says that it has {len(self)} batches, but an epoch of it had {number}.")


def _as_batch(items: Any, first: int) -> Batch:
    if isinstance(items, Batch):
        return items
    if not (isinstance(items, (tuple, list)) and len(items) == 2):
        raise DataError("A DataLoader for training gives pairs (inputs, targets); make its dataset return such pairs.")
    inputs = tuple(items[0]) if isinstance(items[0], list) else items[0]
    return Batch(inputs, items[1], torch.arange(first, first + rows(items[1])))


def train_batches(experiment: Experiment, world: World) -> Batches:
    """The training rows, in the experiment's order. Warns where a `DataLoader` gives up exact resume."""
    side = experiment.data.train
    if isinstance(side, DataLoader):
        _refuse_shards(world)
        warnings.warn(
            "Training reads a torch DataLoader, whose order no checkpoint can wind back: a resumed run will see other"
            " batches than an uninterrupted one. For exact resume give the dataset: as_source(dataset).",
            StepwellWarning,
            stacklevel=5,
        )
        return TorchBatches(side)
    loader = Loader(
        source=side,
        batch_size=experiment.batch_size,
        order=experiment.order,
        seed=experiment.seed,
        workers=experiment.workers,
        shard=world.shard,
        drop_last=experiment.drop_last,
    )
    if not len(loader):
        raise DataError(
            f"A batch of {experiment.batch_size} rows is larger than the training split of {loader.rows}, and drop_last"
            " drops it. Use a smaller batch_size, or drop_last=False."
        )
    return loader


def evaluation_batches(side: Side, experiment: Experiment, world: World) -> Batches:
    """All rows of a side, in order."""
    if isinstance(side, DataLoader):
        _refuse_shards(world)
        return TorchBatches(side)
    return Loader(
        source=side,
        batch_size=max(experiment.batch_size, _evaluated_together(side)),
        order=Sequential(),
        seed=experiment.seed,
        workers=experiment.workers,
        shard=world.shard,
    )


def _evaluated_together(side: Source) -> int:
    """Rows that are evaluated at once where the training's batches are smaller: many, if they are small and in memory."""
    return 1 if side.row_bytes is None else min(256, _EVALUATED_BYTES // max(side.row_bytes, 1))


def _refuse_shards(world: World) -> None:
    if world.size > 1:
        raise DataError(
            "Several processes share a Source, not a torch DataLoader; give the dataset: as_source(dataset)."
        )
