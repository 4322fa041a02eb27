"""Your own pictures: classes told apart."""

from pathlib import Path
from typing import Annotated, Literal

from stepwell.data.augment import AUGMENT_HELP
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.opening import Archive, look
from stepwell.recipes.picture_size import size_for
from stepwell.recipes.pictures import (
    Compiled,
    MemoryFormat,
    Precision,
    check_augment,
    check_weights,
    epochs_for,
    given_weights,
    model_of,
    order_of,
    trained,
)
from stepwell.recipes.settings import check_settings
from stepwell.training.experiment import Experiment

Backbone = Literal[
    "small", "lenet", "convnet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "alexnet", "vgg16", "inception"
]  # fmt: skip


def images(
    folder: Annotated[Path, "a folder of class folders, an archive of one, or a CSV file of paths and labels"],
    *,
    size: Annotated[
        int | None,
        "pixels a side; else the pictures' own where they are alike and at most 96, else the backbone's usual",
    ] = None,
    channels: Annotated[Literal["auto", "grey", "colour"], "auto: grey where all pictures are"] = "auto",
    broken: Annotated[
        Literal["refuse", "skip"], "files that cannot be decoded: named and refused, or left out"
    ] = "refuse",
    copies: Annotated[Literal["warn", "together"], "equal pictures: told, or kept on one side of the split"] = "warn",
    paths: Annotated[str | None, "the CSV file's column of paths, where finding it goes wrong"] = None,
    labels: Annotated[str | None, "the CSV file's column of labels, where finding it goes wrong"] = None,
    sides: Annotated[str | None, "the CSV file's column that says train, val or test"] = None,
    val: Annotated[float, "share of the pictures that choose the best epoch, where no folder is named val"] = 0.15,
    test: Annotated[float, "share of the pictures for the report, where no folder is named test"] = 0.15,
    backbone: Annotated[Backbone, "the network"] = "small",
    weights: Annotated[Path | None, "a file of published weights to begin with: resnet18.pth"] = None,
    freeze: Annotated[bool, "train the head alone; needs weights"] = False,
    augment: Annotated[tuple[str, ...], AUGMENT_HELP] = ("light",),
    flips_change_labels: Annotated[bool, "the classes differ in direction: refuse to flip"] = False,
    balance: Annotated[bool, "show every class equally often"] = False,
    learning_rate: Annotated[float, "largest step size of AdamW, which rises to it and falls again"] = 3e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 0.01,
    batch_size: Annotated[int, "pictures of an update"] = 64,
    epochs: Annotated[int | None, "passes over the training pictures; else as many as make about 1,500 updates"] = None,
    precision: Annotated[Precision, "arithmetic; auto: the fastest here that agrees with fp32"] = "auto",
    memory_format: Annotated[MemoryFormat, "layout of convolutions; auto: the fastest here"] = "auto",
    compiled: Annotated[Compiled, "compile forward and backward; auto: where it is faster and pays"] = "auto",
    workers: Annotated[int, "processes that prepare batches, where the pictures do not fit in memory"] = 0,
    seed: Annotated[int, "decides the split, the initial weights, the order, the augmentation and the dropout"] = 0,
    _begun: bool = False,
) -> Experiment:
    """Tell your own pictures apart: class folders, an archive of them, or a CSV file of paths and labels.

    Pictures are decoded once, upright and to one size, and augmented as whole batches, row by row from the seed. With
    published weights only a new head need be learnt. The report shows the pictures that were taken for others, and what the
    network looked at.
    """
    check_settings(
        val=val, test=test, learning_rate=learning_rate, weight_decay=weight_decay, batch_size=batch_size,
        epochs=1 if epochs is None else epochs,
    )  # fmt: skip
    check_weights(weights, frozen=freeze, begun=_begun)
    found = look(folder, file=paths, label=labels, side=sides)
    check_augment(augment, () if isinstance(found, Archive) else found.classes, flips_change_labels=flips_change_labels)
    reader, data = fit_images(
        found, size=size_for(found, backbone, size, weights), channels={"grey": 1, "colour": 3}.get(channels),
        val=val, test=test, together=copies == "together", broken=broken, seed=seed,
    )  # fmt: skip
    model, task = model_of(reader, {"backbone": backbone, "weights": weights, "seed": seed})
    given_weights(model, None if _begun else weights, frozen=freeze)
    return trained(
        reader, data, model, task, augment=augment, flips_change_labels=flips_change_labels, learning_rate=learning_rate,
        weight_decay=weight_decay, batch_size=batch_size, epochs=epochs_for(len(data.train), batch_size, epochs),
        order=order_of(reader, data, balanced=balance), precision=precision, memory_format=memory_format, compiled=compiled,
        workers=workers, seed=seed,
    )  # fmt: skip
