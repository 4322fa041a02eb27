"""Why a served model answered as it did: what a picture, a row of a table or a window of a series owes to each of its parts."""

import base64
import io
from contextlib import suppress
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from stepwell.core.errors import ModelError
from stepwell.core.trees import Tree, between
from stepwell.data.series.reader import SeriesReader
from stepwell.data.tables.reader import TableReader
from stepwell.deploy.servable import Servable
from stepwell.insight.gradcam import grad_cam
from stepwell.insight.occlusion import occlusion
from stepwell.insight.pictured import small
from stepwell.recipes.explaining_rows import explain_features, explain_row
from stepwell.recipes.explaining_series import explain_series

_CHEAP = 96  # pixels of a side up to which covering parts of a picture costs a server little
_MOST_FEATURES = 200


def explain(servable: Servable, inputs: Tree) -> dict[str, Any]:
    """What the answer for one row of `inputs` comes from, as plain data.

    Of a picture, `maps` by name, each rows of numbers over the `label` that won, and the `picture` as the network got it (a
    `data:` address). Of a row of a table, `columns`, each with its `value`, what is `usual`, and the `change`: the answer less
    what it would be with the usual value. Of a series, the `past` and the `forecast` with `parts`, stretches of the past and
    how far the forecast moves, on average, when their values become the window's mean. Raises `ModelError` for other inputs.
    """
    one = between(inputs, 0, 1)
    if isinstance(servable.reader, SeriesReader):
        return explain_series(servable, one)
    if isinstance(servable.reader, TableReader):
        return explain_row(servable, one)
    if _is_picture(one) and servable.card.classes:
        return _picture(servable, one)
    if isinstance(one, Tensor) and one.dim() == 2 and one.shape[1] <= _MOST_FEATURES and one.is_floating_point():
        return explain_features(servable, one)
    raise ModelError(f"There is no explanation for inputs such as those of {servable.card.name}.")


def _is_picture(inputs: Tree) -> bool:
    return isinstance(inputs, Tensor) and inputs.dim() == 4 and inputs.shape[1] in (1, 3)


def _picture(servable: Servable, picture: Tensor) -> dict[str, Any]:
    """Grad-CAM where the network has maps; covering parts where that is cheap, or where there is nothing else."""
    label = str(servable.task.answers(servable.outputs(picture))[0]["label"])
    number = servable.card.classes.index(label)
    maps: dict[str, Any] = {}
    with suppress(ModelError):  # of a network without convolutions, or with maps of one pixel
        maps["Grad-CAM"] = _plain_map(grad_cam(servable.model, picture, number).values)
    side = min(picture.shape[2:])
    if side <= _CHEAP or not maps:
        stride = None if side <= _CHEAP else side // 7
        maps = {"occlusion": _plain_map(occlusion(servable.model, picture, number, stride=stride).values)} | maps
    return {
        "kind": "picture",
        "label": label,
        "of": f"probability of {label}",
        "maps": maps,
        "picture": _png(picture[0]),
    }


def _plain_map(values: Tensor) -> list[list[float]]:
    plain: list[list[float]] = small(values.float())[0].double().numpy().round(6).tolist()
    return plain


def _png(picture: Tensor) -> str:
    """A picture `(c, h, w)`, bytes or floats 0 to 1, as a `data:` address."""
    pixels = picture if picture.dtype == torch.uint8 else (picture.clamp(0, 1) * 255).round().to(torch.uint8)
    last = pixels.permute(1, 2, 0).numpy() if len(pixels) == 3 else pixels[0].numpy()
    file = io.BytesIO()
    Image.fromarray(last).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
