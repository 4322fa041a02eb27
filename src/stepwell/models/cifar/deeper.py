"""Deeper networks for birds and airplanes (Stevens et al., chapter 8): a third convolution, a shortcut, many blocks."""

from jaxtyping import Float
from torch import Tensor, nn

Images = Float[Tensor, "batch 3 32 32"]
Maps = Float[Tensor, "batch channels h w"]
Logits = Float[Tensor, "batch classes"]


class NetDepth(nn.Module):
    """Three convolutions with pooling, ReLU throughout: `(batch, 3, 32, 32)` to logits; 16,130 parameters for 32 channels.

    With `residual=True` it is the book's `NetRes`: what the second block gives is added to what the third convolution
    makes of it, before the last pooling. The shortcut has no parameters.
    """

    def __init__(self, channels: int = 32, *, residual: bool = False, classes: int = 2) -> None:
        super().__init__()
        half = channels // 2
        self.residual = residual
        self.conv1, self.act1, self.pool1 = nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.act2, self.pool2 = nn.Conv2d(channels, half, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.conv3, self.act3, self.pool3 = nn.Conv2d(half, half, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1, self.act4, self.fc2 = nn.Linear(half * 4 * 4, 32), nn.ReLU(), nn.Linear(32, classes)

    def forward(self, images: Images) -> Logits:
        """The logits."""
        out = self.pool1(self.act1(self.conv1(images)))  # (batch, channels, 16, 16)
        before = self.pool2(self.act2(self.conv2(out)))  # (batch, channels / 2, 8, 8)
        out = self.act3(self.conv3(before))
        out = self.pool3(out + before if self.residual else out)  # (batch, channels / 2, 4, 4)
        logits: Tensor = self.fc2(self.act4(self.fc1(self.flatten(out))))
        return logits


class ResBlock(nn.Module):
    """A convolution, batch normalisation and ReLU, added to the input. The shape stays.

    As the book initialises it: He's normal for the convolution, which has no bias, and 0.5 and 0 for the normalisation, so
    that many of them in a row neither blow up nor fade what goes through.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.batch_norm, self.act = nn.BatchNorm2d(channels), nn.ReLU()
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.constant_(self.batch_norm.weight, 0.5)
        nn.init.zeros_(self.batch_norm.bias)

    def forward(self, maps: Maps) -> Maps:
        """`maps` and what the block adds."""
        added: Tensor = self.act(self.batch_norm(self.conv(maps)))
        return added + maps


class NetResDeep(nn.Module):
    """A convolution and `blocks` residual blocks: `(batch, 3, 32, 32)` to logits; 994,530 parameters with 100 blocks.

    `shared=True` uses one block again and again, as the book's code does without meaning to (it multiplies a list): one set
    of weights, 75,810 parameters, and one running mean for what passes at a hundred depths.
    """

    def __init__(self, channels: int = 32, *, blocks: int = 100, shared: bool = False, classes: int = 2) -> None:
        super().__init__()
        self.conv1, self.act1, self.pool1 = nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        first = ResBlock(channels)
        self.resblocks = nn.Sequential(first, *(first if shared else ResBlock(channels) for _ in range(blocks - 1)))
        self.pool2, self.flatten = nn.MaxPool2d(2), nn.Flatten()
        self.fc1, self.act2, self.fc2 = nn.Linear(channels * 8 * 8, 32), nn.ReLU(), nn.Linear(32, classes)

    def forward(self, images: Images) -> Logits:
        """The logits."""
        out = self.resblocks(self.pool1(self.act1(self.conv1(images))))  # (batch, channels, 16, 16)
        logits: Tensor = self.fc2(self.act2(self.fc1(self.flatten(self.pool2(out)))))
        return logits
