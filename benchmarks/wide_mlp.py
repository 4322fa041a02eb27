"""The models that the serving benchmarks ask, as recipes: `stepwell train benchmarks/wide_mlp.py:wide_mlp --out runs`.

They are trained for one step on random rows, as only their size matters.
"""

import torch
from torch import Tensor, nn

import stepwell as sw

ROWS = 64
CROP = (1, 32, 48, 48)


def network() -> nn.Sequential:
    """1024-2048-2048-10, 6.3 million parameters, about 1.5 ms a row on a core."""
    return nn.Sequential(nn.Linear(1024, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10))


class Crops(nn.Module):
    """Next to nothing on crops of 1×32×48×48: the mean of each slice, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(CROP[1], 2)

    def forward(self, crops: Tensor) -> Tensor:
        found: Tensor = self.head(crops.mean((1, 3, 4)))
        return found


def wide_mlp() -> sw.Experiment:
    """Ten classes of 1024 numbers, 4 kB a row."""
    return _one_step(network(), (1024,), classes=10)


def crops() -> sw.Experiment:
    """Two classes of crops of 1×32×48×48, 295 kB a row."""
    return _one_step(Crops(), CROP, classes=2)


def _one_step(model: nn.Module, shape: tuple[int, ...], classes: int) -> sw.Experiment:
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(2 * ROWS, *shape, generator=draw)
    targets = torch.randint(0, classes, (2 * ROWS,), generator=draw)
    train, val = (sw.ArraySource(inputs[side], targets[side]) for side in (slice(ROWS), slice(ROWS, None)))
    return sw.Experiment(
        data=sw.Splits(train=train, val=val),
        model=model,
        task=sw.Multiclass(classes=classes),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        batch_size=ROWS,
        steps=1,
    )
