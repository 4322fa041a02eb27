"""A network for tables: numbers through piecewise-linear embeddings, categories through learned ones, several members.

B batch, F features, N embedded features, E edges, D embedding width, C categorical columns, M members, I in, O out.
"""

from collections.abc import Mapping, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError

_NEVER = 1e30  # a bin that no value reaches


class PiecewiseLinear(nn.Module):
    """Each number as a vector that bends at its bin edges (Gorishniy et al., *On embeddings for numerical features*, 2022).

    `edges` has the rising edges of each feature's bins. Input `(B, N)`, output `(B, N·D)`. Raises `ModelError` for a feature
    with fewer than two edges or edges that do not rise.
    """

    lower: Tensor
    width: Tensor

    def __init__(self, edges: Sequence[Sequence[float]], dimension: int = 8) -> None:
        super().__init__()
        for number, each in enumerate(edges):
            if len(each) < 2 or any(b <= a for a, b in zip(each, each[1:], strict=False)):
                raise ModelError(
                    f"The edges of feature {number} must be two or more rising numbers; given: {list(each)}."
                )
        bins = max(map(len, edges)) - 1
        lower, width = torch.full((len(edges), 1, bins), _NEVER), torch.ones(len(edges), 1, bins)
        for number, each in enumerate(edges):
            known = torch.tensor(each)
            lower[number, 0, : len(each) - 1], width[number, 0, : len(each) - 1] = known[:-1], known.diff()
        self.register_buffer("lower", lower)
        self.register_buffer("width", width)
        self.slopes = nn.Parameter(torch.empty(len(edges), bins, dimension).uniform_(-(bins**-0.5), bins**-0.5))
        self.line = nn.Parameter(torch.empty(len(edges), 1, dimension).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.zeros(len(edges), 1, dimension))

    def forward(self, x: Tensor) -> Tensor:
        """The vectors of each row, one after another."""
        column = x.t().unsqueeze(-1)  # (N, B, 1)
        filled = ((column - self.lower) / self.width).clamp(0, 1)  # (N, B, E-1): how much of each bin lies below x
        vectors = torch.baddbmm(self.bias, filled, self.slopes) + column * self.line  # (N, B, D)
        return vectors.transpose(0, 1).flatten(1)


class MemberLinear(nn.Module):
    """One weight matrix shared by M members, each with scales of its own on both sides and its own bias.

    Wen et al., *BatchEnsemble*, 2020. Row r goes through member r modulo M. The scales are dealt out by repeating them, as
    indexing would add up their gradients in whatever order threads come, and no two trainings would have the same bits.
    """

    def __init__(self, inputs: int, outputs: int, members: int, *, signs: bool = False) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        scales = (
            torch.randint(0, 2, (members, inputs)) * 2.0 - 1.0 if signs and members > 1 else torch.ones(members, inputs)
        )
        self.before = nn.Parameter(scales)
        self.after = nn.Parameter(torch.ones(members, outputs))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound).repeat(members, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Rows `(B, I)` to `(B, O)`."""
        before, bias, after = (_dealt(each, x.shape[0]) for each in (self.before, self.bias, self.after))
        return torch.addcmul(bias, nn.functional.linear(x * before, self.weight), after)


def _dealt(members: Tensor, rows: int) -> Tensor:
    """One line of `(M, …)` for each row, in turn."""
    return members.repeat(-(-rows // len(members)), 1)[:rows]


class TableNet(nn.Module):
    """Numbers `(batch, features)`, and codes `(batch, columns)` where categories are embedded, to `(batch, outputs)`.

    `edges` maps the features that are continuous to the edges of their bins; the others are taken as they are. `levels` are
    the codes of each embedded column. There are `members` networks that share their matrices; a row in training goes through
    one of them, by its place in the batch, and in evaluation through all, whose outputs are averaged (after Gorishniy et al.,
    *TabM*, 2024). Outputs are `mean + std · network`, so that a regression speaks in its target's units. Raises `ModelError`
    where there is nothing to take in.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        features: int,
        *,
        outputs: int = 1,
        edges: Mapping[int, Sequence[float]] | None = None,
        levels: Sequence[int] = (),
        hidden: Sequence[int] = (256, 256),
        members: int = 4,
        dimension: int = 8,
        dropout: float = 0.1,
        mean: float = 0.0,
        std: float = 1.0,
    ) -> None:
        super().__init__()
        edges = dict(edges or {})
        if not features and not levels:
            raise ModelError(
                "A table's network needs a column to take in; there is none. Keep one: drop fewer columns."
            )
        self.members, self.embedded = members, sorted(edges)
        self.plain = [number for number in range(features) if number not in edges]
        self.bins = PiecewiseLinear([edges[number] for number in self.embedded], dimension) if edges else None
        widths = [min(32, round(2 * sqrt(count)) + 1) for count in levels]
        self.categories = nn.ModuleList(nn.Embedding(count, width) for count, width in zip(levels, widths, strict=True))
        sizes = (len(self.plain) + dimension * len(edges) + sum(widths), *hidden, outputs)
        self.layers = nn.ModuleList(
            MemberLinear(before, after, members, signs=number == 0)
            for number, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False))
        )
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))

    def forward(self, numbers: Tensor, codes: Tensor | None = None) -> Tensor:
        """The values, or logits."""
        x = self.taken_in(numbers, codes)
        if self.training:
            return self._through(x)
        return self._through(x.repeat_interleave(self.members, 0)).view(x.shape[0], self.members, -1).mean(1)

    def taken_in(self, numbers: Tensor, codes: Tensor | None = None) -> Tensor:
        """The first layer's input: plain numbers, embedded numbers, embedded categories, side by side."""
        parts = [numbers[:, self.plain]]
        if self.bins is not None:
            parts.append(self.bins(numbers[:, self.embedded]))
        if codes is not None:
            parts += [embed(column) for embed, column in zip(self.categories, codes.unbind(1), strict=True)]
        return torch.cat(parts, 1)

    def _through(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = self.dropout(torch.relu(layer(x)))
        return torch.addcmul(self.mean, self.layers[-1](x), self.std)
