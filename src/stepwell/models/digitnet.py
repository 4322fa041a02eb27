"""A small convolutional network for pictures of 8×8 pixels."""

from jaxtyping import Float
from torch import Tensor, nn


class DigitNet(nn.Module):
    """Two convolutions, a pooling, a hidden layer: `(batch, 1, 8, 8)` to logits `(batch, classes)`."""

    def __init__(self, channels: int = 16, hidden: int = 64, classes: int = 10, dropout: float = 0.25) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * channels * 4 * 4, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Float[Tensor, "batch 1 8 8"]) -> Float[Tensor, "batch classes"]:
        """The logits."""
        logits: Tensor = self.head(self.features(images))
        return logits
