"""What `stepwell look` finds of new pictures: the answer, the maps and the nearest training pictures of each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from stepwell.core.errors import ModelError, RunError, suggest
from stepwell.core.layers import choose
from stepwell.data.pictures import read_picture
from stepwell.insight.classes import as_floats
from stepwell.insight.filters import Maps, feature_maps, filters_of, main_layers
from stepwell.insight.gradcam import grad_cam
from stepwell.insight.occlusion import Occlusion, occlusion
from stepwell.insight.saliency import saliency
from stepwell.models.pixels import FromPixels
from stepwell.plots.style import Array
from stepwell.recipes.known import Known, nearest
from stepwell.recipes.predictor import Predictor
from stepwell.reports.looked import Look, Network, Pixels

_NAMED = 12  # layers that a message lists
_COARSE = 128  # pixels of a side from which fewer squares cover a picture: each costs a pass through the network


def check_kind(predictor: Predictor) -> None:
    """Raise `RunError` for a predictor of other things than pictures."""
    kind = predictor.reader.kind
    if kind == "captions":
        raise RunError(
            "The run says in words what pictures show; it has no classes whose places in a picture could be shown. For the"
            " captions: stepwell predict RUN PHOTO"
        )
    if kind != "images":
        raise RunError(
            f"The run was trained on a {kind}, not on pictures, so there is nothing to look at. Its report shows what it goes by:"
            " stepwell report RUN"
        )


def network_of(model: nn.Module, layer: str | None = None) -> Network:
    """What a page says of the network. Raises `ModelError` for a layer that it has not."""
    inner = model.net if isinstance(model, FromPixels) else model
    if layer is not None:
        _check_layer(inner, layer)
    try:
        found = filters_of(inner)
    except ModelError:  # a network without convolutions
        return Network(np.zeros((0, 1, 1, 1)), "")
    return Network(found.weights.double().numpy(), found.layer)


def _check_layer(model: nn.Module, layer: str) -> None:
    """Raise `ModelError` for a layer that the network has not: with the nearest name, and a few of a large network's."""
    try:
        choose(model, layer)
    except ModelError as error:
        names = [name for name, _ in model.named_modules() if name]
        if len(names) <= _NAMED:
            raise
        few = ", ".join((main_layers(model) or names)[:_NAMED])
        raise ModelError(
            f"The model has no layer {layer!r}; it has {len(names)}, such as {few}.{suggest(layer, names)}"
        ) from error


def looks(
    predictor: Predictor, paths: Sequence[Path], *, layer: str | None = None, known: Known | None = None
) -> Iterator[Look]:
    """What the predictor's network does with each picture of files and folders. Raises `DataError` for one that cannot be read,
    `RunError` for a predictor of other things than pictures, `ModelError` for an unknown layer.
    """
    check_kind(predictor)
    for path in paths:
        reading = predictor.read(path)
        for place, name in enumerate(map(str, reading.rows["file"])):  # a list's own column may hold numbers
            file = path.parent / name if path.is_file() else path / name
            yield _look(predictor, name, reading.inputs[place : place + 1], file, layer, known)


def _look(predictor: Predictor, name: str, picture: Tensor, file: Path, layer: str | None, known: Known | None) -> Look:
    model, answer = predictor.model, predictor.answers(picture)[0]
    camera, hidden, slopes = _grad_cam(model, picture, layer), _occlusion(model, picture), saliency(model, picture)
    overlays = {"Grad-CAM": camera[1]} if camera else {}
    overlays |= {"occlusion": hidden.values[0], "gradient": slopes.values[0]}
    return Look(
        name=name,
        given=picture[0].numpy(),
        photo=_photo(file, picture),
        label=str(answer["label"]),
        probabilities=_probabilities(answer),
        overlays={key: each.double().numpy() for key, each in overlays.items()},
        layer=camera[0] if camera else "",
        patch=hidden.patch,
        layers=_maps(model, picture, None),
        asked=_maps(model, picture, layer) if layer else {},
        near=nearest(picture, known) if known else (),
    )


def _grad_cam(model: nn.Module, picture: Tensor, layer: str | None) -> tuple[str, Tensor] | None:
    """The layer and the map; None of a network that has no maps, and where the layer asked for gives none, the last that does."""
    for name in (layer, None) if layer else (None,):
        try:
            found = grad_cam(model, picture, layer=_outer(model, name))
        except ModelError:
            continue
        return (found.layer.removeprefix("net."), found.values[0]) if found.values.any() else None
    return None


def _occlusion(model: nn.Module, picture: Tensor) -> Occlusion:
    """Of a large picture, 64 squares instead of 169."""
    side = min(picture.shape[2:])
    return occlusion(model, picture, stride=round(side / 8.2)) if side >= _COARSE else occlusion(model, picture)


def _outer(model: nn.Module, layer: str | None) -> str | None:
    """A layer's name as the whole model has it."""
    return f"net.{layer}" if layer and isinstance(model, FromPixels) else layer


def _maps(model: nn.Module, picture: Tensor, layers: str | None) -> dict[str, Array]:
    """What layers gave, by name: those asked for, or of a deep network every few, always the first and the last."""
    inner = model.net if isinstance(model, FromPixels) else model
    pixels = as_floats(picture, model)
    given = model.normalised(pixels) if isinstance(model, FromPixels) else pixels
    found = feature_maps(inner, given, layers or main_layers(inner) or "*")
    return {_called(each): each.values[0].double().numpy() for each in found if each.values.dim() in (2, 4)}


def _called(maps: Maps) -> str:
    """A layer's name, with its kind where the name is a number."""
    return f"{maps.kind} {maps.name}" if maps.name.rpartition(".")[2].isdigit() else maps.name


def _photo(file: Path, picture: Tensor) -> Pixels | None:
    """The file's own pixels, where they are others than what the network gets."""
    if not file.is_file():
        return None
    whole = read_picture(file)
    return None if whole.shape[1:] == picture.shape[2:] else whole.numpy()


def _probabilities(answer: dict[str, Any]) -> dict[str, float]:
    return {str(name): float(share) for name, share in answer.get("probabilities", {}).items()}
