"""The page of `stepwell look`: a picture's way through a network."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from stepwell import plots
from stepwell.plots.style import Array
from stepwell.reports.page import Section, figure, figures_row, framed, page, paragraph, table
from stepwell.reports.svg import picture as image
from stepwell.reports.text import Html, Numeric, escape, number

Pixels = npt.NDArray[np.uint8]
_MOST_CLASSES = 8
_LARGEST, _PIXELATED, _MOST_MAPS = 420, 96, 64


@dataclass(frozen=True)
class Near:
    """A training picture `(c, h, w)` near to the one looked at, what it is, and how far the network puts it (0: the same)."""

    picture: Pixels
    label: str
    distance: float


@dataclass(frozen=True)
class Look:
    """What was found of one picture.

    `given` is what the network was given, `(c, h, w)`, `photo` the file as it is, or None where that is the same. `probabilities`
    are by class. `overlays` are maps `(h, w)` by name, with the `layer` of the Grad-CAM and the side of the `patch` that covered.
    `layers` are arrays `(maps, h, w)` or `(features,)` by the layers' names, `asked` those that are shown map by map.
    """

    name: str
    given: Pixels
    photo: Pixels | None
    label: str
    probabilities: Mapping[str, float]
    overlays: Mapping[str, Array]
    layer: str
    patch: int
    layers: Mapping[str, Array]
    near: Sequence[Near] = ()
    asked: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """What is the same for all pictures: the first filters `(filters, channels, h, w)` and their layer, and remarks, such as
    why there are no training pictures.
    """

    filters: Array
    filters_layer: str
    notes: Sequence[str] = ()


def looked(title: str, network: Network, looks: Sequence[Look], subtitle: str = "") -> str:
    """The whole page: for each picture the answer and where it comes from, then the filters and how to read all of it."""
    several = len(looks) > 1
    sections = [part for look in looks for part in _sections(look, f": {look.name}" if several else "")]
    closing = [_filters(network), Section("Remarks", Html("".join(paragraph(note) for note in network.notes)))]
    return page(title, [*sections, *closing], subtitle)


def _sections(look: Look, suffix: str) -> list[Section]:
    return [
        Section(f"What it says{suffix}", _answer(look)),
        Section(f"Where it looks{suffix}", _where(look), _WHERE),
        Section(f"Layer by layer{suffix}", _layers(look)),
        Section(f"Nearest training pictures{suffix}", _near(look), _NEAR),
    ]


def _answer(look: Look) -> Html:
    channels, height, width = look.given.shape
    kind = {1: "grey", 3: "red, green and blue"}.get(channels, f"{channels} channels")
    shown = [framed(_picture(look.given, look.name), f"What the network gets: {width} × {height} pixels, {kind}.")]
    if look.photo is not None:
        size = f"{look.photo.shape[2]:,} × {look.photo.shape[1]:,}"
        shown.insert(0, framed(_picture(look.photo, f"{look.name}, the file"), f"{look.name}, {size} pixels."))
    lead = paragraph(Html(f"<b>{escape(look.label)}</b>{escape(_sure(look))}"), "lead")
    return Html(lead + figures_row(Html(f'<div class="cards">{"".join(shown)}</div>'), _bars(look)))


def _sure(look: Look) -> str:
    ranked = sorted(look.probabilities.values(), reverse=True)
    if not ranked:
        return "."
    best = f", {ranked[0]:.1%} sure."
    return f"{best} The second guess is close." if len(ranked) > 1 and ranked[1] > 0.5 * ranked[0] else best


def _bars(look: Look) -> Html:
    ranked = sorted(look.probabilities.items(), key=lambda item: -item[1])
    rows = [(name, Numeric(f"{share:.1%}"), _bar(share)) for name, share in ranked[:_MOST_CLASSES]]
    rest = len(ranked) - len(rows)
    more = paragraph(f"{number(rest)} more classes share the rest.", "note") if rest > 0 else ""
    return Html(f"<div>{table(rows)}{more}</div>")


def _bar(share: float) -> Html:
    return Html(f'<span class="bar" style="width: {9 * min(max(share, 0.0), 1.0):.2f}rem"></span>')


_WHERE = "Three questions to the same answer. They need not agree: each is an approximation, and none proves what the network uses."


def _where(look: Look) -> Html:
    if not look.overlays:
        return Html("")
    drawn = plots.overlays(look.given, look.overlays)
    words = [f"<b>{escape(name)}.</b> {escape(_READING.get(name, ''))}" for name in look.overlays]
    told = " ".join(words).replace("{layer}", escape(look.layer)).replace("{patch}", str(look.patch))
    alt = f"{look.name} with {', '.join(look.overlays)} laid over it"
    return figure(drawn, alt, Html(told))


_READING = {
    "Grad-CAM": "Where the maps of the layer {layer} hold what raises this class's score. As coarse as that layer.",
    "occlusion": (
        "A square of {patch} × {patch} pixels, in the mean colour, was moved over the picture: orange, where covering makes the"
        " answer less sure; blue, where it makes it surer. Nothing glows where one part can stand in for another."
    ),
    "gradient": "The pixels whose slightest change would move the score. Grainy, since it looks at single pixels.",
}


def _layers(look: Look) -> Html:
    drawn = [_whole(look, name, values) for name, values in look.asked.items()]
    if look.layers:
        drawn.append(figure(plots.feature_maps(look.layers), f"{look.name} in {len(look.layers)} layers", _MAPS))
    return Html("".join(drawn))


_MAPS = (
    "A row is a layer, a square one of its maps: what one filter answers at every place of the picture. White is nothing, blue"
    " is a yes, orange a no, which an activation such as ReLU then cuts off. Early maps still show the picture; later ones are"
    " coarser and say what is where; the last row is a number for each class."
)


def _whole(look: Look, name: str, values: Array) -> Html:
    """A layer with all of its maps."""
    if values.ndim != 3:
        return figure(plots.feature_maps({name: values}), f"{name} for {look.name}", "The layer that was asked for.")
    first = f"the first {_MOST_MAPS} of " if len(values) > _MOST_MAPS else ""
    title = f"{name}: {first}{len(values)} maps of {values.shape[1]} × {values.shape[2]}"
    drawn = plots.filters(values, most=_MOST_MAPS, title=title)
    return figure(drawn, f"the maps of {name} for {look.name}", "The layer that was asked for, map by map.")


_NEAR = (
    "The pictures that the network puts nearest to this one just before it decides. Where they are of another class, the"
    " network confuses them; where one is almost the same picture, it may only remember."
)


def _near(look: Look) -> Html:
    cards = [
        framed(
            _picture(each.picture, f"training picture: {each.label}"),
            Html(f"<b>{escape(each.label)}</b><br>distance {each.distance:.3f}"),
        )
        for each in look.near
    ]
    return Html(f'<div class="cards">{"".join(cards)}</div>' if cards else "")


def _filters(network: Network) -> Section:
    if not network.filters.size:
        return Section("First filters", "")
    drawn = plots.filters(network.filters)
    said = (
        f"The weights of {network.filters_layer}, the first convolution: each is moved over the picture, and answers where what"
        " it covers looks like it. Edges, corners and blobs in one direction or colour mean that it has learned; noise, that it has"
        " not, or that it has more filters than it needs."
    )
    return Section("First filters", figure(drawn, f"filters of {network.filters_layer}", said))


def _picture(pixels: Pixels, alt: str) -> Html:
    """A picture of bytes `(c, h, w)` as an `<img>`; small ones keep their pixels, large ones are made smaller."""
    made = Image.fromarray(_last(pixels))
    made.thumbnail((_LARGEST, _LARGEST))
    file = io.BytesIO()
    made.save(file, "PNG", optimize=True)
    return image(file.getvalue(), alt, "pixels" if max(made.size) <= _PIXELATED else "")


def _last(pixels: Pixels) -> Any:
    """Channels last; of any number but three, the first alone."""
    return pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels[0]
