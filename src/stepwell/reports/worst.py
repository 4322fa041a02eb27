"""The worst mistakes, shown as what they are: pictures where a row is a picture, else its values."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from stepwell.plots.images import rgb
from stepwell.plots.style import Array
from stepwell.reports.evaluation import AnyArray, Mistake
from stepwell.reports.page import framed, table
from stepwell.reports.svg import picture
from stepwell.reports.text import Html, Numeric, escape, number

_MOST_PICTURES = 12
_MOST_ROWS = 10
_MOST_VALUES = 8
_SMALL = 64


Rows = Mapping[str, Mapping[str, Any]]
"""Rows as people know them: the values of columns by their names, by the number of the row as text."""


def gallery(worst: Sequence[Mistake], names: Sequence[str] = (), rows: Rows | None = None) -> Html:
    """Pictures with what is true and what was said, or a table of values; empty without mistakes.

    `rows` are rows as people know them: a picture is captioned with the `file` of its row, the table has all its values.
    `names` are those of the values of the others, left out where they are not as many.
    """
    stack = _stack([as_picture(mistake.input) for mistake in worst[:_MOST_PICTURES]])
    return _table(worst[:_MOST_ROWS], names, rows or {}) if stack is None else _pictures(worst, stack, rows or {})


def as_picture(values: npt.ArrayLike | None) -> Array | None:
    """A row as `(1 or 3, h, w)` if it looks like a picture: two sides of four pixels or more, neither four times the
    other, and grey or three colours, which may come last. None for anything else.
    """
    array = np.asarray(values)
    if array.ndim not in (2, 3) or not np.issubdtype(array.dtype, np.number):
        return None
    array = array[None] if array.ndim == 2 else array
    if array.shape[0] not in (1, 3) and array.shape[2] in (1, 3):
        array = np.moveaxis(array, 2, 0)
    channels, height, width = array.shape
    fits = channels in (1, 3) and min(height, width) >= 4 and max(height, width) <= 4 * min(height, width)
    return array.astype(np.float64) if fits else None


def _stack(found: list[Array | None]) -> list[Array] | None:
    """All rows as red, green, blue and opacity, on one scale if they are of one shape; None if one is no picture."""
    pictures = [each for each in found if each is not None]
    if not pictures or len(pictures) < len(found):
        return None
    alike = len({each.shape for each in pictures}) == 1
    return list(rgb(np.stack(pictures))) if alike else [rgb(each[None])[0] for each in pictures]


def _pictures(worst: Sequence[Mistake], pixels: list[Array], rows: Rows) -> Html:
    cards = [
        framed(_image(image, mistake), _caption(mistake, rows)) for mistake, image in zip(worst, pixels, strict=False)
    ]
    return Html(f'<div class="cards">{"".join(cards)}</div>')


def _image(pixels: Array, mistake: Mistake) -> Html:
    file = io.BytesIO()
    Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(file, "PNG", optimize=True)
    kind = "pixels" if max(pixels.shape) < _SMALL else ""
    return picture(file.getvalue(), f"row {mistake.row}: {mistake.target}, predicted {mistake.predicted}", kind)


def _caption(mistake: Mistake, rows: Rows) -> Html:
    truth, answer = escape(mistake.target), escape(mistake.predicted)
    said = f"<b>{truth}</b>, rightly" if truth == answer else f"<b>{truth}</b> taken for <b>{answer}</b>"
    sure = f"{mistake.confidence:.0%} sure<br>" if mistake.confidence is not None else ""
    file = rows.get(str(mistake.row), {}).get("file")
    place = f"row {mistake.row}" + (f"<br>{escape(file)}" if file else "")
    return Html(f"{said}<br>{sure}loss {mistake.loss:.3g}<br>{place}")


def _table(worst: Sequence[Mistake], names: Sequence[str], rows: Rows) -> Html:
    sure = any(mistake.confidence is not None for mistake in worst)
    header = ("row", "true", "predicted", *(("confidence",) if sure else ()), "loss", "input")
    return table([_line(mistake, sure, _input(mistake, names, rows)) for mistake in worst], header)


def _line(mistake: Mistake, sure: bool, shown: Html) -> tuple[object, ...]:
    share = Numeric("–" if mistake.confidence is None else f"{mistake.confidence:.0%}")
    middle = (share,) if sure else ()
    said = (_aligned(mistake.target), _aligned(mistake.predicted))
    return (Numeric(mistake.row), *said, *middle, Numeric(f"{mistake.loss:.4g}"), shown)


def _aligned(name: str) -> str:
    """A name that is a number is set as one."""
    try:
        float(name)
    except ValueError:
        return name
    return Numeric(escape(name))


def _input(mistake: Mistake, names: Sequence[str], rows: Rows) -> Html:
    """What the model was given, as the file has it where that is known, else as numbers."""
    known = rows.get(str(mistake.row))
    if known:
        told = [f"{name} {_brief(value)}" for name, value in known.items() if value is not None]
        return Html(f'<div class="values">{escape(", ".join(told))}</div>')
    return _values(mistake.input, names)


def _values(row: npt.ArrayLike | None, names: Sequence[str]) -> Html:
    """The first values of a row, with their names, and how many there are in all."""
    if row is None:
        return escape(None)
    flat = np.asarray(row).reshape(-1)
    if len(names) == flat.size:
        return _named(flat, names)
    first = ", ".join(_brief(value.item()) for value in flat[:_MOST_VALUES])
    more = f", … ({flat.size} values)" if flat.size > _MOST_VALUES else ""
    return Html(f'<div class="values">{escape(first + more)}</div>')


def _named(flat: AnyArray, names: Sequence[str]) -> Html:
    """Values with their names, those that are zero left out: of a column that was spread over many, one is left."""
    told = [_pair(name, value.item()) for name, value in zip(names, flat, strict=True) if value != 0]
    first = ", ".join(told[:_MOST_VALUES])
    more = f", … and {len(told) - _MOST_VALUES} more" if len(told) > _MOST_VALUES else ""
    return Html(f'<div class="values">{escape((first or "all zero") + more)}</div>')


def _pair(name: str, value: object) -> str:
    """`temp 0.25`; of a column that was spread over its levels, `season=4` in place of `season=4 1`."""
    return name if value == 1 and "=" in name else f"{name} {_brief(value)}"


def _brief(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else number(value)
