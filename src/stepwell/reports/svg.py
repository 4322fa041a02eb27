"""Figures inside a page: vector graphics that follow its font and its light or dark colours, or a PNG."""

import base64
import hashlib
import io
import re
import warnings
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from stepwell.plots import style
from stepwell.reports.text import Html, escape

_LARGEST = 400_000
"""Letters of SVG beyond which a PNG is smaller and quicker to show."""

_VARIABLES = {
    style.INK: "var(--ink)",
    style.SOFT: "var(--soft)",
    style.LINE: "var(--line)",
    style.PAPER: "var(--paper)",
    style.BLUE: "var(--blue)",
    style.VERMILLION: "var(--vermillion)",
    style.GREEN: "var(--green)",
    style.PURPLE: "var(--purple)",
    style.AMBER: "var(--amber)",
}
_COLOUR = re.compile("|".join(_VARIABLES))
_FONT = re.compile(r"font-family:[^;]*;?\s*")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_DRAWING = {"d", "x", "y", "width", "height", "style", "points"}
_DROPPED = {"metadata", "style"}


def inline(figure: Figure, alt: str) -> Html:
    """A figure as HTML: an `<svg>` whose ids clash with no other figure's, or an `<img>` where that would be large."""
    with warnings.catch_warnings():
        # The browser has the letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawing = _draw(figure)
        try:
            root = ElementTree.fromstring(drawing)
        except ElementTree.ParseError:  # a control character in some text, which XML cannot hold
            return _png(figure, alt)
        return _svg(root, drawing, alt) if len(drawing) <= _LARGEST else _png(figure, alt)


def _draw(figure: Figure) -> str:
    file = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "stepwell"}
    with matplotlib.rc_context(settings):  # type: ignore[arg-type]  # its stub wants literal keys
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def _svg(root: ElementTree.Element, drawing: str, alt: str) -> Html:
    mark = "f" + hashlib.sha256(f"{alt}\n{drawing}".encode("utf-8", "replace")).hexdigest()[:8]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', drawing))
    _clean(root, mark, used)
    wide = float(root.get("viewBox", "0 0 360 216").split()[2])
    root.attrib = {
        "viewBox": root.get("viewBox", ""),
        "class": "plot",
        "role": "img",
        "aria-label": style.storable(alt),
    }
    # Narrow screens shrink a figure down to this, and scroll sideways beyond: its text has to stay legible.
    root.set("style", f"min-width: {min(wide, 300 + 0.5 * max(wide - 300, 0)):.0f}px; max-width: {1.45 * wide:.0f}px")
    return Html(f'<div class="scroll">{ElementTree.tostring(root, encoding="unicode")}</div>')


def _clean(element: ElementTree.Element, mark: str, used: set[str]) -> None:
    """Strip, in place, what an inline drawing does not need, and make the rest follow the page."""
    element.tag = element.tag.rpartition("}")[2]
    element.tail = None
    if element.tag != "text":
        element.text = None
    element.attrib = {
        name.rpartition("}")[2]: _value(name, value, mark)
        for name, value in element.attrib.items()
        if name != "id" or value in used
    }
    for child in list(element):
        if child.tag.rpartition("}")[2] in _DROPPED:
            element.remove(child)
        else:
            _clean(child, mark, used)


def _value(name: str, value: str, mark: str) -> str:
    if name == "id":
        return f"{mark}-{value}"
    if value.startswith("data:"):
        return value.replace("\n", "")
    value = value.replace("url(#", f"url(#{mark}-")
    if name.endswith("href"):
        return value.replace("#", f"#{mark}-", 1)
    if name in _DRAWING:
        value = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", " ".join(value.split()))
    if name == "style":
        value = _COLOUR.sub(lambda found: _VARIABLES[found[0]], _FONT.sub("", value))
    return value


def _png(figure: Figure, alt: str) -> Html:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=144)
    return picture(file.getvalue(), alt, "plot")


def picture(png: bytes, alt: str, kind: str = "") -> Html:
    """The bytes of a PNG as an `<img>` that carries them."""
    data = base64.b64encode(png).decode()
    return Html(f'<img class="{escape(kind)}" alt="{escape(alt)}" src="data:image/png;base64,{data}">')
