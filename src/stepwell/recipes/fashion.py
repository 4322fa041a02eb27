"""Clothes: Fashion-MNIST."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from torch import nn

from stepwell.data import catalogue
from stepwell.data.augment import AUGMENT_HELP
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.idx import FASHION, read_idx
from stepwell.data.images.reader import ImageReader
from stepwell.recipes import pictures
from stepwell.recipes.pictures import Compiled, MemoryFormat, Precision, check_augment, trained
from stepwell.recipes.settings import check_settings
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment


def fashion(
    *,
    data: Annotated[Path | None, "the folder of data sets; else STEPWELL_DATA, else it is downloaded"] = None,
    network: Annotated[Literal["convnet", "lenet", "small", "resnet18"], "the network"] = "convnet",
    augment: Annotated[tuple[str, ...], AUGMENT_HELP] = (),
    learning_rate: Annotated[float, "largest step size of AdamW, which rises to it and falls again"] = 8e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 0.01,
    batch_size: Annotated[int, "pictures of an update"] = 128,
    epochs: Annotated[int, "passes over the 54,000 training pictures"] = 3,
    precision: Annotated[Precision, "arithmetic; auto: the fastest here that agrees with fp32"] = "auto",
    memory_format: Annotated[MemoryFormat, "layout of convolutions; auto: the fastest here"] = "auto",
    compiled: Annotated[Compiled, "compile forward and backward; auto: where it is faster and pays"] = "auto",
    seed: Annotated[int, "decides the split, the initial weights, the order, the augmentation and the dropout"] = 0,
) -> Experiment:
    """Tell ten kinds of clothes apart: Fashion-MNIST, 70,000 grey pictures of 28×28 pixels.

    The network is the PyTorch overview's ConvNet, unless you say otherwise. Of the 60,000 training pictures, a tenth choose
    the best epoch; the 10,000 test pictures are for the report.
    """
    check_settings(learning_rate=learning_rate, weight_decay=weight_decay, batch_size=batch_size, epochs=epochs)
    check_augment(augment, FASHION)
    reader, splits = fit_images(
        read_idx(catalogue.get("fashion-mnist", root=data), classes=FASHION), val=0.1, seed=seed
    )
    model, task = model_of(reader, {"network": network, "seed": seed})
    return trained(
        reader, splits, model, task, augment=augment, learning_rate=learning_rate, weight_decay=weight_decay,
        batch_size=batch_size, epochs=epochs, precision=precision, memory_format=memory_format, compiled=compiled, seed=seed,
    )  # fmt: skip


def model_of(reader: ImageReader, parameters: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """The network and the task, with a run's `network` and `seed`."""
    return pictures.model_of(reader, {"backbone": parameters["network"], "seed": parameters["seed"]})
