"""What a report is told of a network for pictures."""

import torch
from torch import nn

import stepwell as sw
from stepwell.data.augment import parse_augment
from stepwell.insight.pictured import unpacked
from stepwell.models import DigitNet, FromPixels
from stepwell.recipes.image_insight import insight

PICTURES = torch.randint(256, (12, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


class Witness(nn.Module):
    """Keeps what it is given while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.seen = DigitNet(4), list[torch.Tensor]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen.append(x.clone())
        return self.net(x)


def test_the_augmented_pictures_are_those_that_the_epochs_show() -> None:
    rows = torch.tensor([7, 3, 9, 5, 1])
    data = sw.data.Subset(sw.ArraySource(PICTURES, torch.arange(12) % 10), rows)
    model = Witness()
    experiment = sw.Experiment(
        data=sw.Splits(train=data, val=data),
        model=FromPixels(model, (0.0,), (1.0,)),
        task=sw.Multiclass(classes=10),
        augment=parse_augment(("shift:2",)),
        order=sw.data.Sequential(),
        batch_size=5,
        epochs=6,
        seed=17,
    )
    sw.fit(experiment)
    found = insight(experiment, "val")["augmented"]
    shown = torch.from_numpy(unpacked(found["draws"])).float()
    assert shown.shape == (6, 4, 1, 8, 8)
    torch.testing.assert_close(shown, torch.stack(model.seen)[:, :4], rtol=0, atol=1 / 200)
