"""What a run's report shows of a network for pictures, as plain data that JSON can hold."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.insight.classes import probabilities_of, rows_at_once
from stepwell.insight.confused import ConfusedPair, disagreements, examples, most_confused
from stepwell.insight.filters import filters_of
from stepwell.insight.gradcam import grad_cam
from stepwell.insight.occlusion import occlusion

_LARGEST = 112  # pixels of a side of what is kept
_SMALL = 96  # pixels of a side up to which a pass through a network is cheap
_FILTERS, _CHANNELS, _PAIRS, _EACH = 64, 16, 5, 5

Array = npt.NDArray[np.float64]


def image_insight(
    model: nn.Module,
    pictures: Tensor,
    targets: Tensor,
    classes: Sequence[str],
    *,
    most: int = 6,
    batch_size: int = 256,
    rows: Tensor | None = None,
) -> dict[str, Any]:
    """Where a classifier looks in its worst mistakes, which classes it confuses, and its first filters.

    `pictures` are `(n, c, h, w)`, bytes or floats from 0 to 1, as the model takes them; `targets` `(n,)`; `rows` their numbers
    in the source. The dict, which `stepwell.reports.seen` draws, holds `mistakes` (at most `most`), each with `row`, `true`,
    `predicted`, `confidence`, `picture` and `maps` by name; `layer` and `patch` of these maps; `confused`, each with `true`,
    `predicted`, `rows`, `share` and `pictures`; and `filters` with `layer`, `count` and `weights`. Arrays are packed
    (`unpacked`); pictures of more than 112 pixels are made smaller. Parts that the model has not, such as convolutions, are
    missing.
    """
    said = probabilities_of(model, pictures, batch_size=batch_size)
    numbers = torch.arange(len(pictures)) if rows is None else rows
    worst = disagreements(said, targets, most)
    found: dict[str, Any] = {"mistakes": [], "confused": _confused(said, pictures, targets, classes)}
    if len(worst):
        maps, found["layer"], found["patch"] = _maps(model, pictures[worst], batch_size)
        for place, row in enumerate(worst.tolist()):
            found["mistakes"].append(
                {
                    "row": int(numbers[row]),
                    "true": classes[int(targets[row])],
                    "predicted": classes[int(said[row].argmax())],
                    "confidence": float(said[row].max()),
                    "picture": _picture(pictures[row]),
                    "maps": {name: _map(values[place]) for name, values in maps.items()},
                }
            )
    return found | _filters(model)


def _maps(model: nn.Module, pictures: Tensor, batch_size: int) -> tuple[dict[str, Tensor], str | None, int]:
    """Grad-CAM, where there is a convolution, and occlusion, both of what was predicted."""
    side = min(pictures.shape[2:])
    stride = side // 7 if side > _SMALL else None  # squares side by side, not overlapping: a quarter of the passes
    hidden = occlusion(model, pictures, stride=stride, batch_size=rows_at_once(pictures, batch_size))
    try:
        camera = grad_cam(model, pictures)
    except ModelError:
        return {"occlusion": hidden.values}, None, hidden.patch
    return {"Grad-CAM": camera.values, "occlusion": hidden.values}, camera.layer.removeprefix("net."), hidden.patch


def _confused(said: Tensor, pictures: Tensor, targets: Tensor, classes: Sequence[str]) -> list[dict[str, Any]]:
    count = len(classes)
    cells = targets.cpu() * count + said.argmax(dim=1)
    matrix = torch.bincount(cells, minlength=count * count).reshape(count, count)
    return [_pair(pair, said, pictures, targets, classes) for pair in most_confused(matrix, _PAIRS)]


def _pair(
    pair: ConfusedPair, said: Tensor, pictures: Tensor, targets: Tensor, classes: Sequence[str]
) -> dict[str, Any]:
    shown = [_picture(pictures[row]) for row in examples(said, targets, pair, _EACH)]
    names = {"true": classes[pair.true], "predicted": classes[pair.predicted]}
    return {**names, "rows": pair.rows, "share": pair.share, "pictures": shown}


def _filters(model: nn.Module) -> dict[str, Any]:
    try:
        found = filters_of(model)
    except ModelError:
        return {}
    weights = found.weights[:_FILTERS, :_CHANNELS].double()
    layer = found.layer.removeprefix("net.")
    return {"filters": {"layer": layer, "count": len(found.weights), "weights": packed(weights.numpy())}}


def _picture(picture: Tensor) -> dict[str, Any]:
    values = picture.float() if picture.dtype == torch.uint8 else picture.float() * 255
    return packed(small(values).round().clamp(0, 255).numpy() / 255)


def _map(values: Tensor) -> dict[str, Any]:
    return packed(small(values[None].float())[0].double().numpy())


def small(values: Tensor) -> Tensor:
    """Maps `(c, h, w)` with no side above 112 pixels, on the CPU."""
    factor = max(values.shape[1:]) / _LARGEST
    if factor <= 1:
        return values.cpu()
    height, width = (max(1, round(side / factor)) for side in values.shape[1:])
    return F.adaptive_avg_pool2d(values, (height, width)).cpu()


def packed(values: Array) -> dict[str, Any]:
    """An array as a shape, a scale and text: each number as one byte, -127 to 127 times the scale."""
    most = float(np.abs(values).max()) if values.size else 0.0
    steps = np.round(values / most * 127).astype(np.int8) if most > 0 else np.zeros(values.shape, np.int8)
    text = base64.b64encode(steps.tobytes()).decode()
    return {"shape": list(values.shape), "scale": most / 127, "bytes": text}


def unpacked(plain: Mapping[str, Any]) -> Array:
    """The array that `packed` wrote, to within one part in 254 of its largest number."""
    steps = np.frombuffer(base64.b64decode(plain["bytes"]), dtype=np.int8).reshape(plain["shape"])
    return steps * float(plain["scale"])
