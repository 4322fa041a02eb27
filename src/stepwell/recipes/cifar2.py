"""Birds and airplanes."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import SGD

from stepwell.core.devices import best_device, seeded
from stepwell.data.augment import AUGMENT_HELP
from stepwell.data.images.reader import ImageReader
from stepwell.models import DESIGNS, FromPixels
from stepwell.recipes.cifar import MEAN, STD, cifar_labelled
from stepwell.recipes.pictures import Compiled, MemoryFormat, Precision, check_augment
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Multiclass
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment

CLASSES = ("airplane", "bird")
Name = Literal["base", "width", "l2", "dropout", "batchnorm", "depth", "residual", "deep", "flat", "flat-deep"]


def cifar2(
    *,
    data: Annotated[
        Path | None, "the folder of data sets, or an archive of CIFAR-10's pictures; else STEPWELL_DATA"
    ] = None,
    design: Annotated[Name, "the network: one of the book's eight, or without convolutions"] = "base",
    blocks: Annotated[int, "residual blocks of the design deep"] = 100,
    shared_block: Annotated[
        bool, "make the blocks of the design deep one and the same, as the book's code does"
    ] = False,
    learning_rate: Annotated[float | None, "step size of SGD; else the design's"] = None,
    batch_size: Annotated[int, "rows of an update"] = 64,
    epochs: Annotated[int, "passes over the training rows"] = 100,
    augment: Annotated[tuple[str, ...], AUGMENT_HELP] = (),
    precision: Annotated[Precision, "arithmetic; auto: the fastest here that agrees with fp32"] = "fp32",
    memory_format: Annotated[MemoryFormat, "layout of convolutions; auto: the fastest here"] = "contiguous",
    compiled: Annotated[Compiled, "compile forward and backward; auto: where it is faster and pays"] = "no",
    seed: Annotated[int, "decides the initial weights, the order, the augmentation and the dropout"] = 0,
) -> Experiment:
    """Tell birds from airplanes: 10,000 pictures of CIFAR-10 train, 2,000 validate (Stevens et al., chapters 7 and 8).

    All designs are trained on the same footing: shuffled rows, and validation in eval mode, which the book forgets. So a
    design differs from its baseline by what its name says.
    """
    chosen = DESIGNS[design]
    rate = chosen.learning_rate if learning_rate is None else learning_rate
    check_settings(blocks=blocks, learning_rate=rate)
    changes = check_augment(augment, CLASSES)
    reader, splits = cifar_labelled(data, CLASSES)
    model, task = model_of(reader, {"design": design, "blocks": blocks, "shared_block": shared_block, "seed": seed})
    return Experiment(
        data=splits,
        model=model,
        task=task,
        optimizer=SGD(model.parameters(), lr=rate, weight_decay=chosen.weight_decay),
        batch_size=batch_size,
        epochs=epochs,
        augment=changes,
        precision=precision,
        memory_format=memory_format,
        compiled=compiled,
        seed=seed,
        reader=reader,
    )


def model_of(reader: ImageReader, parameters: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """The network of a run's `design`, with its `blocks`, `shared_block` and `seed`, and the task."""
    make = DESIGNS[parameters["design"]].make
    if parameters["design"] == "deep":
        make = partial(make, blocks=parameters["blocks"], shared=parameters["shared_block"])
    with seeded(parameters["seed"]):
        net = make(classes=len(reader.classes))
    return FromPixels(net, MEAN, STD).to(best_device()), Multiclass(classes=reader.classes)
