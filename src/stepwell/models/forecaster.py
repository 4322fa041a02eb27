"""A network that forecasts a series: a straight line from the window, and a residual network beside it.

B batch, W window, H horizon, C channels of the past, K channels known ahead, P pooled channels.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stepwell.core.errors import ModelError

_FLAT = 0.01  # of the series' deviation: what a window deviates at least, so that a flat one is not blown up
_SHY = 0.01  # how much of torch's initial weights the last layer gets


class Forecaster(nn.Module):
    """The next H values of a series from its last W, from what else is known of them and of the times ahead.

    The first channel of `past` is the series itself, in its units; it is normalised window by window, so that a level that
    rises goes on to be forecast (Kim et al., *Reversible instance normalization*, 2022). A linear map takes the normalised
    window to the horizon (Zeng et al., *Are transformers effective for time series forecasting?*, 2023). A residual network
    of the window, of `pooled` weighted means of each other channel, of the level and of what is known ahead corrects it;
    it starts near nothing. `mean` and `std` are the training rows'. Outputs are in the series' units; in eval mode
    none is below `floor`, as counts are not below zero.

    Raises `ModelError` for sizes below one.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: int,
        known: int,
        window: int,
        horizon: int,
        *,
        hidden: int = 128,
        blocks: int = 2,
        pooled: int = 4,
        dropout: float = 0.1,
        mean: float = 0.0,
        std: float = 1.0,
        floor: float | None = None,
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "window": window, "horizon": horizon, "hidden": hidden}
        for name, size in sizes.items():
            if size < 1:
                raise ModelError(f"A Forecaster's {name} is {size}; it must be 1 at least.")
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std) or 1.0))
        self.floor = floor
        self.line = nn.Linear(window, horizon)
        self.pool = nn.Linear(window, pooled) if channels > 1 and pooled else None
        inputs = window + 2 + horizon * known + (pooled * (channels - 1) if self.pool is not None else 0)
        self.drop = nn.Dropout(dropout)
        self.enter = nn.Linear(inputs, hidden)
        self.blocks = nn.ModuleList(_Block(hidden, dropout) for _ in range(blocks))
        self.leave = nn.Linear(hidden, horizon)
        with torch.no_grad():
            self.leave.weight.mul_(_SHY)

    def forward(
        self, past: Float[Tensor, "batch window channels"], known: Float[Tensor, "batch horizon known"]
    ) -> Float[Tensor, "batch horizon"]:
        """The forecast, `(B, H)`."""
        series = past[:, :, 0]
        level = series.mean(1, keepdim=True)
        spread = (series.var(1, keepdim=True, unbiased=False) + (_FLAT * self.std) ** 2).sqrt()
        z = (series - level) / spread
        facts = [z, (level - self.mean) / self.std, (spread / self.std).log(), known.flatten(1)]
        if self.pool is not None:
            facts.append(self.pool(past[:, :, 1:].transpose(1, 2)).flatten(1))  # (B, C-1, P) → (B, (C-1)·P)
        hidden = self.enter(self.drop(torch.cat(facts, 1)))
        for block in self.blocks:
            hidden = block(hidden)
        correction = self.leave(nn.functional.gelu(hidden))
        outputs = cast(Tensor, (self.line(z) + correction) * spread + level)
        return (
            outputs if self.floor is None or self.training else outputs.clamp(min=self.floor)
        )  # a clamp learns nothing


class _Block(nn.Module):
    """A residual block: normalised, widened by nothing, and added to what came in."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """`x` and its correction."""
        return cast(Tensor, x + self.inner(x))
