"""`CNN2`, the network of Godoy, chapter 6, for rock, paper and scissors (row S33)."""

from jaxtyping import Float
from torch import Tensor, nn


class CNN2(nn.Module):
    """Two convolutions with pooling and two linear layers: `(batch, 3, 28, 28)` to logits `(batch, classes)`.

    `filters` is the channels of both convolutions (5 in the book: 6,823 parameters), `dropout` the share of numbers that
    a training step leaves out before each linear layer. The names of what holds parameters are the book's.
    """

    def __init__(self, filters: int = 5, dropout: float = 0.0, classes: int = 3) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, filters, kernel_size=3), nn.Conv2d(filters, filters, kernel_size=3)
        self.fc1, self.fc2 = nn.Linear(filters * 5 * 5, 50), nn.Linear(50, classes)
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.pool1, self.pool2 = nn.MaxPool2d(2), nn.MaxPool2d(2)
        self.drop1, self.drop2 = nn.Dropout(dropout), nn.Dropout(dropout)

    def featurizer(self, images: Float[Tensor, "batch 3 28 28"]) -> Float[Tensor, "batch features"]:
        """What the convolutions find, as one row of `filters · 25` numbers a picture."""
        found = self.pool1(self.relu1(self.conv1(images)))  # (batch, filters, 13, 13)
        found = self.pool2(self.relu2(self.conv2(found)))  # (batch, filters, 5, 5)
        features: Tensor = found.flatten(1)
        return features

    def classifier(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """The logits of what was found."""
        hidden = self.relu3(self.fc1(self.drop1(features)))
        logits: Tensor = self.fc2(self.drop2(hidden))
        return logits

    def forward(self, images: Float[Tensor, "batch 3 28 28"]) -> Float[Tensor, "batch classes"]:
        """The logits."""
        return self.classifier(self.featurizer(images))
