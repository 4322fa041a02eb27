"""What pictures show, said in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from torch import nn
from torch.optim import AdamW

from stepwell.core.devices import best_device, seeded
from stepwell.data.images.caption_reader import CaptionReader
from stepwell.data.images.captioned import Captions, decode_captioned, fit_captions, list_captions
from stepwell.data.scenes import scenes
from stepwell.data.splits import Splits
from stepwell.models import Captioner, FromPixels
from stepwell.models.backbones import backbone as network
from stepwell.recipes.picture_size import size_for
from stepwell.recipes.settings import check_settings
from stepwell.tasks import Captioning
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment
from stepwell.training.schedules import one_cycle

_SCENE = 32  # pixels a side


def model_of(reader: CaptionReader, parameters: Mapping[str, Any]) -> tuple[nn.Module, Task]:
    """The captioner and the task for what a reader found, with a run's `backbone`, `width`, `cell` and `seed`."""
    pictures, width = reader.pictures, parameters["width"]
    with seeded(parameters["seed"]):
        net = network(parameters["backbone"])(width, pictures.channels, min(pictures.size))
        encoder = FromPixels(net, pictures.mean, pictures.std)
        model = Captioner(encoder, width, len(reader.words), width, cell=parameters["cell"], most=reader.most)
    return model.to(best_device()), Captioning(words=reader.words)


def captions(
    *,
    data: Annotated[
        Path | None, "a CSV file of paths and captions (file,caption); else scenes of coloured shapes are drawn"
    ] = None,
    pictures: Annotated[int, "scenes that are drawn, where no data is given"] = 3000,
    size: Annotated[int | None, "pixels a side; else as the recipe images, and 32 for scenes"] = None,
    paths: Annotated[str | None, "the CSV file's column of paths, where finding it goes wrong"] = None,
    caption: Annotated[str | None, "the CSV file's column of captions, where finding it goes wrong"] = None,
    least: Annotated[int, "a word that stands less often in the training captions is unknown"] = 1,
    val: Annotated[float, "share of the pictures that choose the best epoch, where no column says it"] = 0.15,
    test: Annotated[float, "share of the pictures for the report, where no column says it"] = 0.15,
    backbone: Annotated[Literal["small", "resnet18", "resnet34", "resnet50"], "the encoder of pictures"] = "small",
    width: Annotated[int, "numbers of the decoder's state, of a word, and of what it is told of a picture"] = 128,
    cell: Annotated[Literal["gru", "lstm"], "the decoder of words"] = "gru",
    learning_rate: Annotated[float, "largest step size of AdamW, which rises to it and falls again"] = 3e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 0.01,
    batch_size: Annotated[int, "captions of an update"] = 32,
    epochs: Annotated[int, "passes over the training captions"] = 8,
    seed: Annotated[int, "decides the scenes, the split, the initial weights and the order"] = 0,
) -> Experiment:
    """Say in words what pictures show: an encoder of pictures and a decoder of words, trained jointly.

    Without data it is trained on scenes of coloured shapes, drawn so that their captions are true. No picture is changed at
    random while it learns: mirrored, what is left of something would be right of it. A new picture, or each of a folder,
    gets its caption by `stepwell predict`.
    """
    check_settings(
        val=val, test=test, learning_rate=learning_rate, weight_decay=weight_decay, batch_size=batch_size, epochs=epochs
    )
    shares = {"val": val, "test": test, "least": least, "seed": seed}
    reader, rows = (
        _drawn(pictures, size, shares) if data is None else _read(data, paths, caption, backbone, size, shares)
    )
    model, task = model_of(reader, {"backbone": backbone, "width": width, "cell": cell, "seed": seed})
    optimizer = AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    updates = epochs * -(-len(rows.train) // batch_size)
    return Experiment(
        data=rows,
        model=model,
        task=task,
        optimizer=optimizer,
        scheduler=one_cycle(optimizer, learning_rate, updates),
        batch_size=batch_size,
        epochs=epochs,
        clip_norm=1.0,
        seed=seed,
        reader=reader,
    )


def _drawn(pictures: int, size: int | None, shares: dict[str, Any]) -> tuple[CaptionReader, Splits]:
    made = scenes(pictures, size or _SCENE, seed=shares["seed"])
    names = tuple(f"scene {number}" for number in range(pictures))
    return fit_captions(Captions("scenes", names, made.captions, torch.arange(pictures)), made.images, **shares)


def _read(
    data: Path, paths: str | None, caption: str | None, backbone: str, size: int | None, shares: dict[str, Any]
) -> tuple[CaptionReader, Splits]:
    found, listing = list_captions(data, file=paths, caption=caption)
    given, images = decode_captioned(found, listing, size=size_for(listing, backbone, size, None))
    return fit_captions(given, images, **shares)
