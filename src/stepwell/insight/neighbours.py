"""Who lies near whom on a map of vectors, such as the rows of an embedding."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from stepwell.core.errors import StepwellError, suggest

Nearness = Literal["distance", "angle"]


class Neighbour(NamedTuple):
    """A vector's name, and how far it lies from what was asked: the distance, or 1 less the cosine of the angle."""

    name: str
    distance: float


def nearest(
    vectors: Tensor, names: Sequence[str], query: str | Tensor, k: int = 5, *, by: Nearness = "angle"
) -> list[Neighbour]:
    """The `k` rows of `vectors` (`(names, size)`) that are nearest to `query`: another vector, or a name, which is left out.

    Learned vectors of words are compared by angle, points on a map by distance. Raises `StepwellError` for an unknown name
    (the nearest is suggested) and for names that are not one a row.
    """
    table = _checked(vectors, names)
    if isinstance(query, str):
        return _nearest(table, names, table[_row(names, query)], k, by, {query})
    return _nearest(table, names, query, k, by, set())


def nearest_rows(
    vectors: Tensor, queries: Tensor, k: int = 5, *, by: Nearness = "angle", at_once: int = 256
) -> tuple[Tensor, Tensor]:
    """For each of `queries` `(n, size)`, the numbers of the `k` rows of `vectors` `(m, size)` nearest to it, and how far they
    lie: both `(n, k)`, the nearest first; of equally near ones the first. Fewer than `k` where there are fewer rows.

    Raises `StepwellError` for vectors of another size than the queries.
    """
    if vectors.dim() != 2 or queries.dim() != 2 or vectors.shape[1] != queries.shape[1]:
        shapes = f"{tuple(vectors.shape)} and {tuple(queries.shape)}"
        raise StepwellError(f"Vectors and queries are (rows, size) of one size; these are {shapes}.")
    table = vectors.detach().float()
    rows, distances = [torch.zeros(0, min(k, len(table))).long()], [torch.zeros(0, min(k, len(table)))]
    for part in torch.split(queries.detach().to(table), at_once):
        found = _distances(table, part, by)
        rows.append(found.argsort(dim=1, stable=True)[:, :k])
        distances.append(found.gather(1, rows[-1]))
    return torch.cat(rows), torch.cat(distances)


def _distances(table: Tensor, queries: Tensor, by: Nearness) -> Tensor:
    """`(queries, rows)`: distances, or one less the cosines."""
    if by == "distance":
        return torch.cdist(queries, table)
    return (1 - normalize(queries) @ normalize(table).T).clamp(min=0)


def analogy(
    vectors: Tensor,
    names: Sequence[str],
    plus: Sequence[str],
    minus: Sequence[str],
    k: int = 1,
    *,
    by: Nearness = "angle",
) -> list[Neighbour]:
    """The rows nearest to the sum of some less the sum of others, which are left out: apple - red + yellow is near lemon.

    Source: Stevens et al., section 4.5 (book row S4.7).
    """
    table = _checked(vectors, names)
    sums = [sum((table[_row(names, name)] for name in side), torch.zeros_like(table[0])) for side in (plus, minus)]
    return _nearest(table, names, sums[0] - sums[1], k, by, {*plus, *minus})


def _checked(vectors: Tensor, names: Sequence[str]) -> Tensor:
    if vectors.dim() != 2 or len(vectors) != len(names):
        raise StepwellError(
            f"Vectors are one row a name: {len(names)} names are given for a tensor of shape {tuple(vectors.shape)}."
        )
    return vectors.detach().to(torch.float64)


def _row(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise StepwellError(f"There is no vector of the name {name!r}.{suggest(name, names)}")
    return list(names).index(name)


def _nearest(
    table: Tensor, names: Sequence[str], query: Tensor, k: int, by: Nearness, without: set[str]
) -> list[Neighbour]:
    point = query.detach().to(table)
    if by == "angle":
        distances = 1 - torch.cosine_similarity(table, point[None], dim=1)
    else:
        distances = torch.linalg.vector_norm(table - point, dim=1)
    found = (Neighbour(names[row], distances[row].item()) for row in distances.argsort(stable=True).tolist())
    return [neighbour for neighbour in found if neighbour.name not in without][:k]
