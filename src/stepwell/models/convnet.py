"""The ConvNet of the PyTorch overview (row T-05)."""

from jaxtyping import Float
from torch import Tensor, nn


class ConvNet(nn.Module):
    """Two convolutions, a pooling, two linear layers: `(batch, 1, 28, 28)` to `(batch, classes)`; 300,426 parameters for 10.

    The overview's network ends in a log-softmax and is trained by the negative log-likelihood. Here it gives logits, for
    the cross-entropy, which is the same loss; `log_probabilities=True` gives the overview's outputs (and
    `Multiclass(outputs="log_probabilities")` is the task for them). Its second `Dropout2d` sees single numbers, no
    channels, which makes it plain dropout, as it is here.
    """

    def __init__(self, classes: int = 10, *, log_probabilities: bool = False) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(1, 16, kernel_size=3), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(16, 32, kernel_size=3), nn.ReLU()
        self.pool, self.drop1, self.flatten = nn.MaxPool2d(2), nn.Dropout2d(0.10), nn.Flatten()
        self.fc1, self.relu3, self.drop2 = nn.Linear(32 * 12 * 12, 64), nn.ReLU(), nn.Dropout(0.25)
        self.fc2 = nn.Linear(64, classes)
        self.end: nn.Module = nn.LogSoftmax(dim=1) if log_probabilities else nn.Identity()

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch classes"]:
        """The logits, or the log-probabilities."""
        found = self.conv2(self.relu1(self.conv1(images)))  # (batch, 32, 24, 24)
        # The largest of four is above zero or not, whichever comes first; this way the ReLU sees a quarter of the numbers.
        pooled = self.relu2(self.pool(found))
        hidden = self.relu3(self.fc1(self.flatten(self.drop1(pooled))))
        outputs: Tensor = self.end(self.fc2(self.drop2(hidden)))
        return outputs
