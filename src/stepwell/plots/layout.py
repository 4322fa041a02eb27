"""Where the boxes of a graph stand: in layers along its arrows, with as few crossings and bends as a few sweeps find.

The steps are those of Sugiyama, Tagawa and Toda, *Methods for visual understanding of hierarchical system structures*
(1981): arrows that close a circle are set aside, boxes get layers, long arrows get a place in each layer that they
cross, each layer is put in order by where its neighbours stand, and then everything is moved over its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

Edge = tuple[str, str]
_SWEEPS = 8


@dataclass(frozen=True)
class Layout:
    """Layers of names in order, the place of each name across its layer (its middle), the stations of each arrow between
    its ends, and the arrows that point back.
    """

    layers: tuple[tuple[str, ...], ...]
    places: Mapping[str, float]
    stations: Mapping[Edge, tuple[str, ...]]
    back: frozenset[Edge]


def arrange(names: Sequence[str], edges: Sequence[Edge], sizes: Mapping[str, float], gap: float) -> Layout:
    """Layers and places for boxes that are `sizes` wide, at least `gap` apart."""
    back = _back_edges(edges)
    forward = [edge for edge in dict.fromkeys(edges) if edge not in back and edge[0] != edge[1]]
    depth = _depths(names, forward)
    stations, links = _stations(forward, depth)
    layers = _layers(names, depth, stations)
    wide = dict(sizes) | {station: 0.0 for each in stations.values() for station in each}
    above, below = _neighbours(links)
    for _ in range(_SWEEPS):
        _sort(layers, above)
        _sort(layers[::-1], below)
    _sort(layers, above)
    return Layout(tuple(map(tuple, layers)), _places(layers, above, below, wide, gap), stations, frozenset(back))


def _back_edges(edges: Sequence[Edge]) -> set[Edge]:
    """The arrows that close a circle with arrows given before them."""
    after, back = dict[str, list[str]](), set[Edge]()
    for start, end in edges:
        if start in _reached(after, end):
            back.add((start, end))
        else:
            after.setdefault(start, []).append(end)
    return back


def _reached(after: Mapping[str, Sequence[str]], name: str) -> set[str]:
    """A name, and all that arrows lead to from it."""
    found, waiting = {name}, [name]
    while waiting:
        new = [end for end in after.get(waiting.pop(), ()) if end not in found]
        found |= set(new)
        waiting += new
    return found


def _depths(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Each box one layer after the last that leads to it; what nothing leads to, right before its first follower."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for start, end in edges:
            depth[end] = max(depth[end], depth[start] + 1)
    led = {end for _, end in edges}
    for name in names:
        followers = [depth[end] for start, end in edges if start == name]
        if name not in led and followers:
            depth[name] = min(followers) - 1
    return depth


def _stations(edges: Sequence[Edge], depth: Mapping[str, int]) -> tuple[dict[Edge, tuple[str, ...]], list[Edge]]:
    """A name for each place where an arrow crosses a layer, and the arrows cut at these."""
    stations, links = dict[Edge, tuple[str, ...]](), list[Edge]()
    for start, end in edges:
        crossed = tuple(f"\0{start}\0{end}\0{layer}" for layer in range(depth[start] + 1, depth[end]))
        stations[start, end] = crossed
        links += zip((start, *crossed), (*crossed, end), strict=True)
    return stations, links


def _layers(
    names: Sequence[str], depth: Mapping[str, int], stations: Mapping[Edge, tuple[str, ...]]
) -> list[list[str]]:
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in names:
        layers[depth[name]].append(name)
    for (start, _), crossed in stations.items():
        for number, station in enumerate(crossed, depth[start] + 1):
            layers[number].append(station)
    return layers


def _neighbours(links: Sequence[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above, below = dict[str, list[str]](), dict[str, list[str]]()
    for start, end in links:
        above.setdefault(end, []).append(start)
        below.setdefault(start, []).append(end)
    return above, below


def _sort(layers: Sequence[list[str]], towards: Mapping[str, Sequence[str]]) -> None:
    """Order each layer by the mean rank of what its members lead to in the layer before."""
    for before, layer in zip(layers, layers[1:], strict=False):
        rank = {name: index - len(before) / 2 for index, name in enumerate(before)}
        own = {name: index - len(layer) / 2 for index, name in enumerate(layer)}
        means = {
            name: fmean([rank[each] for each in towards.get(name, ()) if each in rank] or [own[name]]) for name in layer
        }
        layer.sort(key=lambda name: means[name])


def _places(
    layers: Sequence[list[str]],
    above: Mapping[str, Sequence[str]],
    below: Mapping[str, Sequence[str]],
    wide: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """Middles of all boxes: each moves to the mean of its neighbours, as far as those beside it let it."""
    places: dict[str, float] = {}
    for layer in layers:
        places |= dict(zip(layer, apart([0.0] * len(layer), [wide[name] for name in layer], gap), strict=True))
    for sweep in range(2 * _SWEEPS + 1):
        ordered, towards = (layers, above) if sweep % 2 == 0 else (layers[::-1], below)
        for layer in ordered:
            both = [list(towards.get(name, ())) or [name] for name in layer]
            wishes = [fmean(places[each] for each in group) for group in both]
            places |= dict(zip(layer, apart(wishes, [wide[name] for name in layer], gap), strict=True))
    left = min((place - wide[name] / 2 for name, place in places.items()), default=0.0)
    return {name: place - left for name, place in places.items()}


def apart(wishes: Sequence[float], widths: Sequence[float], gap: float) -> list[float]:
    """Middles as near to `wishes` as they come, in their order, for boxes of these widths that stay `gap` apart.

    Boxes in each other's way move as one block about the mean of what they wish.
    """
    offsets = [0.0]
    for before, after in zip(widths, widths[1:], strict=False):
        offsets.append(offsets[-1] + (before + after) / 2 + gap)
    blocks: list[list[float]] = []
    for wish, offset in zip(wishes, offsets, strict=False):
        blocks.append([wish - offset])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    bases = [fmean(block) for block in blocks for _ in block]
    return [base + offset for base, offset in zip(bases, offsets, strict=False)]
