"""What a page needs to ask for an input: the size of a picture, the columns of a table with their usual values."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from stepwell.core.trees import Tree
from stepwell.data.images.reader import ImageReader
from stepwell.data.reader import Reader
from stepwell.data.series.reader import SeriesReader
from stepwell.data.tables.calendar import Calendar
from stepwell.data.tables.codes import Categories
from stepwell.data.tables.encoder import Encoder
from stepwell.data.tables.numbers import Number
from stepwell.data.tables.reader import TableReader

FILES: Mapping[str, tuple[str, ...]] = {
    "images": (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    "table": (".csv", ".parquet", ".json"),
    "series": (".csv", ".parquet", ".json"),
}
_SMALLEST = 5  # pixels of a side from which an array of three dimensions is taken for a picture


def form_of(reader: Reader | None, examples: Tree) -> dict[str, Any]:
    """Plain data: `size` (height, width), `channels`, `low` and `high` of pictures; `columns` of a table; of a series
    its `target`, `window`, `horizon` and `step`, and the names of its `time` and of its other `columns`.
    """
    if isinstance(reader, ImageReader):
        return {"size": list(reader.size), "channels": reader.channels, "low": 0, "high": 255}
    if isinstance(reader, TableReader):
        return {"target": reader.target.name, "columns": [_column(each) for each in reader.encoding.encoders]}
    if isinstance(reader, SeriesReader):
        return {
            "target": reader.target, "window": reader.window, "horizon": reader.horizon, "step": str(reader.step),
            "time": list(reader.time), "columns": list(reader.channels.columns),
        }  # fmt: skip
    return _picture(examples) if isinstance(examples, Tensor) else {}


def _picture(examples: Tensor) -> dict[str, Any]:
    """The form of arrays (rows, 1 or 3, height, width), which are pictures in all likelihood."""
    if examples.dim() != 4 or examples.shape[1] not in (1, 3) or min(examples.shape[2:]) < _SMALLEST:
        return {}
    low, high = float(examples.min()), float(examples.max())
    return {"size": list(examples.shape[2:]), "channels": examples.shape[1], "low": low, "high": high}


def _column(encoder: Encoder) -> dict[str, Any]:
    """A column: its `name`, its `kind`, what is `usual` in it, and its `levels`, or `low` and `high`."""
    if isinstance(encoder, Categories):
        return {"name": encoder.name, "kind": "category", "levels": list(encoder.levels), "usual": encoder.levels[0]}
    if isinstance(encoder, Number) and encoder.order:
        usual = encoder.order[min(round(encoder.median), len(encoder.order) - 1)]
        return {"name": encoder.name, "kind": "category", "levels": list(encoder.order), "usual": usual}
    if isinstance(encoder, Number):
        bounds = {"low": encoder.quantiles[0], "high": encoder.quantiles[-1]}
        return {"name": encoder.name, "kind": "number", "usual": encoder.median, **bounds}
    assert isinstance(encoder, Calendar)
    return {"name": encoder.name, "kind": "time", "usual": ""}
