"""What the statistics of layers say, in sentences: gradients that vanish or explode, units that are dead or saturated."""

import numpy as np
import numpy.typing as npt

from stepwell.insight.layers import Statistics

Array = npt.NDArray[np.float64]
_RATIO = 20.0  # between the layers of a model: more is a symptom
_GROWTH = 100.0  # of a layer's gradients, from the first to the last steps
_MOST_DEAD = _MOST_SATURATED = 0.4
_LAST = 5


def symptoms(statistics: Statistics) -> list[str]:
    """Sentences about what is wrong with a model's layers, worst first; none where nothing is.

    Each names the layers and the numbers. Choose layers of one kind, such as the linear ones and their activations: what norms
    or poolings give is of another size by design. The last five steps that were kept are looked at, and the first five, for
    growth.
    """
    if not statistics.steps:
        return []
    broken = [*_not_finite(statistics), *_growing(statistics)]
    if broken:
        return broken  # of which all else follows
    return [
        *_along(statistics, "gradients"),
        *_along(statistics, "activations"),
        *_share(
            statistics, "dead", _MOST_DEAD, "{:.0%} of the units of {} are 0 for every row of a batch: they are dead"
        ),
        *_share(
            statistics, "saturated", _MOST_SATURATED, "{:.0%} of what {} gives lies at its limits, where its slope is 0"
        ),
    ]


def _not_finite(statistics: Statistics) -> list[str]:
    for place, step in enumerate(statistics.steps):
        for kind in ("activations", "gradients", "weights"):
            deviations, means = statistics.values[kind]["largest"][place], statistics.values[kind]["mean"][place]
            known = ~np.isnan(statistics.values[kind]["mean"]).all(axis=0)
            wrong = [
                layer
                for layer, bad in zip(statistics.layers, known & ~np.isfinite(deviations + means), strict=True)
                if bad
            ]
            if wrong:
                return [f"At step {step} the {kind} of {wrong[0]} are not finite."]
    return []


def _growing(statistics: Statistics) -> list[str]:
    """Gradients that become much larger while the model trains."""
    sizes = statistics.values["gradients"]["largest"]
    found = []
    for layer, column in zip(statistics.layers, sizes.T, strict=True):
        finite = column[np.isfinite(column)]
        if len(finite) < 2 * _LAST:
            continue
        before, after = (float(np.median(part)) for part in (finite[:_LAST], finite[-_LAST:]))
        if before > 0 and after > _GROWTH * before:
            grew = f"their largest grew from {before:.2g} to {after:.2g}"
            found.append((after / before, f"The gradients of {layer} explode: {grew}."))
    return [sentence for _, sentence in sorted(found, reverse=True)[:1]]


def _along(statistics: Statistics, kind: str) -> list[str]:
    """Numbers that shrink or grow from layer to layer."""
    late = _late(statistics.values[kind]["std"])
    known = [
        (layer, float(size))
        for layer, size in zip(statistics.layers, late, strict=True)
        if size > 0 and np.isfinite(size)
    ]
    if kind == "activations":
        known = known[:-1]  # the last layer's are as large as the targets want them
    if len(known) < 2:
        return []
    (first, begin), (last, end) = known[0], known[-1]
    if kind == "gradients":
        if end > _RATIO * begin:
            return [_vanish(kind, "on the way back", last, end, first, begin)]
        return [_explode(kind, "on the way back", last, end, first, begin)] if begin > _RATIO * end else []
    if begin > _RATIO * end:
        return [_vanish(kind, "on the way forward", first, begin, last, end)]
    return [_explode(kind, "on the way forward", first, begin, last, end)] if end > _RATIO * begin else []


def _vanish(kind: str, way: str, near: str, large: float, far: str, small: float) -> str:
    return (
        f"The {kind} vanish {way}: from a deviation of {large:.2g} in {near} to {small:.2g} in {far}. Weights by the scheme of"
        " their activation (kaiming for ReLU, xavier for tanh) or normalisation keep them apart."
    )


def _explode(kind: str, way: str, near: str, small: float, far: str, large: float) -> str:
    return (
        f"The {kind} explode {way}: from a deviation of {small:.2g} in {near} to {large:.2g} in {far}. Smaller initial weights,"
        " normalisation or clipping hold them."
    )


def _share(statistics: Statistics, name: str, most: float, sentence: str) -> list[str]:
    late = _late(statistics.values["activations"][name])
    found = [(share, layer) for layer, share in zip(statistics.layers, late, strict=True) if share > most]
    return [sentence.format(share, layer) + "." for share, layer in sorted(found, reverse=True)]


def _late(table: Array) -> Array:
    """The median over the last steps, NaN for layers that have no number then."""
    last = table[-_LAST:]
    known = ~np.isnan(last).all(axis=0)
    late = np.full(last.shape[1], np.nan)
    late[known] = np.nanmedian(last[:, known], axis=0)
    return late
