"""What a forecast owes to each stretch of its past."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.trees import Tree
from stepwell.data.series.reader import SeriesReader
from stepwell.deploy.servable import Servable

_STRETCHES = 24


def explain_series(servable: Servable, one: Tree) -> dict[str, Any]:
    """The window, its forecast, and how far this moves without each stretch of the series, and without each other channel."""
    reader = servable.reader
    assert isinstance(reader, SeriesReader)
    past = one["past"]
    borders = np.linspace(0, past.shape[1], min(_STRETCHES, past.shape[1]) + 1).round().astype(int).tolist()
    spans = list(zip(borders[:-1], borders[1:], strict=True))
    groups = _channels(reader)
    without = [_flattened(past, slice(start, end), [0]) for start, end in spans]
    without += [_flattened(past, slice(None), channels) for channels in groups.values()]
    known = one["known"].expand(1 + len(without), *one["known"].shape[1:])
    forecasts = servable.outputs({"past": torch.cat([past, *without]), "known": known})
    moved = (forecasts[1:] - forecasts[:1]).abs().mean(1).tolist()
    parts = [
        {"start": start, "end": end, "change": float(each)} for (start, end), each in zip(spans, moved, strict=False)
    ]
    columns = [{"column": name, "change": float(each)} for name, each in zip(groups, moved[len(spans) :], strict=True)]
    shown = {"past": past[0, :, 0].tolist(), "forecast": forecasts[0].tolist()}
    return {
        "kind": "series",
        "of": reader.target,
        "step": str(reader.step),
        **shown,
        "parts": parts,
        "columns": columns,
    }


def _channels(reader: SeriesReader) -> dict[str, list[int]]:
    """The places of each other column among the channels of the past."""
    encoding_of = [*reader.channels.past.sources(), *reader.channels.ahead.sources()]
    found: dict[str, list[int]] = {}
    for place, name in enumerate(encoding_of, 2):  # the target, and whether it was filled, come first
        found.setdefault(name, []).append(place)
    return found


def _flattened(past: Tensor, steps: slice, channels: Sequence[int]) -> Tensor:
    """The window with channels, in some of its steps, at their means over the window."""
    changed = past.clone()
    for channel in channels:
        changed[:, steps, channel] = past[:, :, channel].mean()
    return changed
