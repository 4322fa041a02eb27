"""The parts that the recipes for pictures share: the network and its task, how it is trained, and flags of its data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import nn
from torch.optim import AdamW

from stepwell.core.devices import best_device, seeded
from stepwell.core.errors import ModelError, RecipeError
from stepwell.data.augment import Augment, parse_augment
from stepwell.data.augment.labels import refuse_conflicts
from stepwell.data.images.reader import ImageReader
from stepwell.data.orders import Balanced, Order, Shuffled
from stepwell.data.splits import Splits
from stepwell.data.weights import PUBLISHED, find_weights
from stepwell.models import FromPixels
from stepwell.models.backbones import backbone
from stepwell.models.freezing import freeze
from stepwell.models.weights import load_weights
from stepwell.tasks import Multiclass
from stepwell.tasks.base import Task
from stepwell.tasks.side_heads import SideHeads
from stepwell.training.experiment import Experiment
from stepwell.training.schedules import one_cycle

Precision = Literal["auto", "fp32", "bf16"]
MemoryFormat = Literal["auto", "contiguous", "channels-last"]
Compiled = Literal["auto", "no", "yes"]
_SHUFFLED = Shuffled()
_UPDATES, _FEWEST_EPOCHS, _MOST_EPOCHS = 1500, 5, 60


def model_of(reader: ImageReader, parameters: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """The network and the task for what a reader found, with a run's `backbone`, `weights` and `seed`."""
    name = parameters["backbone"]
    with seeded(parameters["seed"]):
        net = backbone(name)(len(reader.classes), reader.channels, min(reader.size))
    trained_on = PUBLISHED.get(name) if parameters.get("weights") and reader.channels == 3 else None
    mean, std = (trained_on.mean, trained_on.std) if trained_on else (reader.mean, reader.std)
    task: Task = Multiclass(classes=reader.classes)
    return FromPixels(net, mean, std).to(best_device()), SideHeads(task=task) if name == "inception" else task


def check_weights(file: Path | None, *, frozen: bool, begun: bool = False) -> None:
    """Raise `RecipeError` for a network that is to be frozen without weights, `DataError` for a file that is not there.

    Where training has `begun`, a checkpoint has all weights, and the file is not needed any more.
    """
    if frozen and not file:
        raise RecipeError(
            "--freeze keeps all layers but the head as they are, so they need weights: give --weights FILE."
        )
    if file and not begun:
        find_weights(file)


def check_augment(
    words: tuple[str, ...], classes: tuple[str, ...], *, flips_change_labels: bool = False
) -> Augment | None:
    """The augmentation that words stand for. Raises `DataError` for unknown ones, and where labels would be wrong."""
    changes = parse_augment(words)
    refuse_conflicts(changes, classes, flips_change_labels=flips_change_labels)
    return changes


def given_weights(model: nn.Module, file: Path | None, *, frozen: bool) -> None:
    """Give the network behind the pixels the weights of a file, all but its head's, and freeze all but the head if asked.

    Raises `ModelError` for weights of another architecture, `DataError` for a file that is not there.
    """
    if file:
        load_weights(model, find_weights(file), head="skip")
    if frozen:
        freeze(model)


def epochs_for(rows: int, batch_size: int, asked: int | None) -> int:
    """How many epochs to train for: as many as are asked for; else about 1,500 updates, 5 to 60 epochs."""
    if asked is not None:
        return asked
    return max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, round(_UPDATES / -(-rows // batch_size))))


def order_of(reader: ImageReader, data: Splits, *, balanced: bool) -> Order:
    """Every row once an epoch, or every class as often as the others."""
    if not balanced:
        return Shuffled()
    assert data.split is not None  # as fit_images gives it
    assert reader.labels is not None
    return Balanced(reader.labels[data.split.rows["train"]])


def left_alone(model: nn.Module, rows: int, batch_size: int) -> bool:
    """Whether an epoch's last batch is one picture, of which batch normalisation has no statistics; another one each epoch."""
    normalised = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    return normalised and rows > batch_size and rows % batch_size == 1


def trained(
    reader: ImageReader,
    data: Splits,
    model: nn.Module,
    task: Task,
    *,
    augment: tuple[str, ...],
    flips_change_labels: bool = False,
    learning_rate: float,
    weight_decay: float,
    batch_size: int,
    epochs: int,
    order: Order = _SHUFFLED,
    precision: str,
    memory_format: str,
    compiled: str,
    workers: int = 0,
    seed: int,
) -> Experiment:
    """The experiment of pictures: AdamW with one cycle of the learning rate, on augmented batches.

    Raises `DataError` for an augmentation that would make labels wrong.
    """
    changes = check_augment(augment, reader.classes, flips_change_labels=flips_change_labels)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not learning:
        raise ModelError("Every layer is frozen, so nothing would learn.")
    optimizer = AdamW(learning, lr=learning_rate, weight_decay=weight_decay, fused=True)
    alone = left_alone(model, len(data.train), batch_size)
    updates = epochs * (-(-len(data.train) // batch_size) - alone)
    return Experiment(
        data=data,
        model=model,
        task=task,
        optimizer=optimizer,
        scheduler=one_cycle(optimizer, learning_rate, updates),
        batch_size=batch_size,
        drop_last=alone,
        epochs=epochs,
        order=order,
        precision=precision,
        memory_format=memory_format,
        compiled=compiled,
        workers=workers,
        seed=seed,
        augment=changes,
        reader=reader,
    )
