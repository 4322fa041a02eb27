"""Answers of a model, some rows at a time."""

import torch
from torch import Tensor, nn

from stepwell.data.images.reader import ImageReader
from stepwell.recipes.predictor import Predictor
from stepwell.tasks import Multiclass


class Counting(nn.Module):
    """Notes how many rows it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.seen.append(len(pictures))
        return pictures.float().flatten(1)[:, :2]


def test_large_pictures_go_through_the_network_a_few_at_a_time() -> None:
    reader = ImageReader(title="", classes=("a", "b"), size=(224, 224), channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    model = Counting()
    predictor = Predictor(model, Multiclass(classes=("a", "b")), reader)
    assert len(predictor.answers(torch.zeros(300, 3, 224, 224, dtype=torch.uint8))) == 300
    assert model.seen == [111, 111, 78]  # of 150,528 bytes each, at most 16 MB
    model.seen.clear()
    assert len(predictor.answers(torch.zeros(5000, 1, 2, 2, dtype=torch.uint8))) == 5000
    assert model.seen == [4096, 904]
    model.seen.clear()
    predictor.answers(torch.zeros(2, 3, 2400, 2400, dtype=torch.uint8))
    assert model.seen == [1, 1]
