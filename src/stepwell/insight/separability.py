"""Whether a straight line, or plane, parts two classes: decided, and not tried."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stepwell.core.errors import DataError

Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-9  # of the data's size: two hulls nearer than that count as touching


@dataclass(frozen=True, eq=False)
class Separation:
    """Whether two classes are linearly separable, and by what.

    If they are, `weight · x + bias` is above 0 for class 1 and below 0 for class 0, with the largest possible `margin`, the
    distance of the nearest rows, and `weight` `(features,)` of length 1. If they are not, the margin is 0 and `weight` zeros:
    then `meeting` `(features,)` is a point that is a mean of rows of the one and a mean of rows of the other class.
    """

    separable: bool
    weight: Array
    bias: float
    margin: float
    meeting: Array | None = None


def separation(points: npt.ArrayLike, labels: npt.ArrayLike) -> Separation:
    """Whether a hyperplane parts the rows `(rows, features)` (or `(rows,)`) of class 1 from those of class 0, and the best one.

    The classes can be parted unless their convex hulls meet, so the nearest points of both hulls decide: their distance is
    twice the margin. They are found by Wolfe's finite algorithm, *Finding the nearest point in a polytope* (1976), on the
    differences of rows of both classes. Exact but for rounding. Raises `DataError` where a class has no row.
    """
    table, truth = np.asarray(points, dtype=np.float64), np.asarray(labels).reshape(-1)
    table = table.reshape(len(truth), -1) if table.ndim < 2 else table
    one, other = table[truth == 1], table[truth == 0]
    if len(one) + len(other) != len(table) or not len(one) or not len(other) or not np.isfinite(table).all():
        raise DataError(
            f"Two classes are parted: finite rows labelled 0 or 1, some of each. Given: {len(table)} rows,"
            f" {len(one)} labelled 1 and {len(other)} labelled 0."
        )
    middle = table.mean(axis=0)
    scale = float(np.abs(table - middle).max()) or 1.0
    near, far = _nearest((one - middle) / scale, (other - middle) / scale)
    between = near - far
    distance = float(np.linalg.norm(between))
    if distance <= _TOLERANCE:
        return Separation(False, np.zeros(table.shape[1]), 0.0, 0.0, (near + far) / 2 * scale + middle)
    weight = between / distance
    centre = (near + far) / 2 * scale + middle
    return Separation(True, weight, -float(weight @ centre), distance * scale / 2)


def _nearest(one: Array, other: Array) -> tuple[Array, Array]:
    """The nearest points of the two convex hulls."""
    pairs = [_lowest(one, other, one[0] - other[0])]
    shares = np.ones(1)
    for _ in range(10 * (len(one) + len(other)) + 100):
        corners = np.array([one[i] - other[j] for i, j in pairs])
        point = shares @ corners
        length = float(np.linalg.norm(point))
        if length <= _TOLERANCE:
            break
        found = _lowest(one, other, point)
        if float(point @ (one[found[0]] - other[found[1]])) >= (1 - 1e-12) * length**2 or found in pairs:
            break
        pairs.append(found)
        pairs, shares = _inward(one, other, pairs, np.append(shares, 0.0))
    ends = np.array([[one[i], other[j]] for i, j in pairs])
    return shares @ ends[:, 0], shares @ ends[:, 1]


def _lowest(one: Array, other: Array, direction: Array) -> tuple[int, int]:
    """The pair of rows whose difference lies lowest in a direction."""
    return int((one @ direction).argmin()), int((other @ direction).argmax())


def _inward(
    one: Array, other: Array, pairs: list[tuple[int, int]], shares: Array
) -> tuple[list[tuple[int, int]], Array]:
    """Drop corners until the nearest point of the plane through the rest lies between them; their shares of it."""
    while True:
        corners = np.array([one[i] - other[j] for i, j in pairs])
        wanted = _affine(corners)
        if (wanted > _TOLERANCE).all():
            return pairs, wanted
        falling = wanted <= _TOLERANCE
        steps = shares[falling] / np.maximum(shares[falling] - wanted[falling], 1e-300)
        shares = shares + min(1.0, float(steps.min())) * (wanted - shares)
        kept = shares > _TOLERANCE
        if kept.all():  # rounding has left a share of what should go
            kept[shares.argmin()] = False
        pairs = [pair for pair, keep in zip(pairs, kept, strict=True) if keep]
        shares = shares[kept] / shares[kept].sum()


def _affine(corners: Array) -> Array:
    """Shares, adding up to 1, of the point nearest to the origin on the plane through the corners."""
    size = len(corners)
    system = np.zeros((size + 1, size + 1))
    system[:size, :size], system[size, :size], system[:size, size] = corners @ corners.T, 1.0, 1.0
    solution = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
    shares: Array = solution[:size]
    return shares
