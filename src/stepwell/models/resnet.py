"""ResNet: blocks that add what they find to what they were given."""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from stepwell.models.initial import fan_out_
from stepwell.models.sizes import refuse_pictures

Pictures = Float[Tensor, "batch channels h w"]


class ResidualBlock(nn.Module):
    """Two convolutions of 3 × 3, and the input added to what they give: `(batch, inputs, h, w)` to `(batch, width, h', w')`.

    `h'` is `h / stride`, rounded up. Where shape or channels change, a convolution of 1 × 1 (`downsample`) brings the input
    to the new shape; the book's block (Godoy, row S7.12) has one for new channels alone, so its addition fails for a stride.
    """

    expansion: ClassVar[int] = 1

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        shortcut = _shortcut(inputs, width, stride)
        self.conv1, self.bn1 = _conv3x3(inputs, width, stride), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = _conv3x3(width, width), nn.BatchNorm2d(width)
        self.downsample = shortcut

    def forward(self, x: Pictures) -> Pictures:
        """The sum of both ways, without its negative part."""
        found = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        summed: Tensor = self.relu(found + (x if self.downsample is None else self.downsample(x)))
        return summed


class BottleneckBlock(nn.Module):
    """Convolutions of 1 × 1, 3 × 3 and 1 × 1, the middle one at a quarter of the channels that come out, and the input added:
    `(batch, inputs, h, w)` to `(batch, 4 · width, h', w')`.

    The stride is that of the 3 × 3 convolution, as in torchvision; the paper's is in the first.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        outputs = self.expansion * width
        shortcut = _shortcut(inputs, outputs, stride)
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, kernel_size=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv3x3(width, width, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, kernel_size=1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, x: Pictures) -> Pictures:
        """The sum of both ways, without its negative part."""
        found = self.relu(self.bn1(self.conv1(x)))
        found = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(found)))))
        summed: Tensor = self.relu(found + (x if self.downsample is None else self.downsample(x)))
        return summed


Block = type[ResidualBlock] | type[BottleneckBlock]

DEPTHS: dict[str, tuple[Block, tuple[int, ...]]] = {
    "resnet18": (ResidualBlock, (2, 2, 2, 2)),
    "resnet34": (ResidualBlock, (3, 4, 6, 3)),
    "resnet50": (BottleneckBlock, (3, 4, 6, 3)),
    "resnet101": (BottleneckBlock, (3, 4, 23, 3)),
    "resnet152": (BottleneckBlock, (3, 8, 36, 3)),
}
"""The kind of block, and how many of them each of the four stages has."""


class ResNet(nn.Module):
    """A stem that quarters the picture, four stages of blocks, a mean over all places, a linear layer:
    `(batch, in_channels, h, w)` to logits `(batch, classes)`.

    Made for 224 × 224 pixels; it takes any, though in training one row of less than 33 × 33 has nothing to normalise over.
    Layer names, shapes and initialisation are torchvision's, so that its published weights load strictly:
    `ResNet(*DEPTHS["resnet101"])` has 44,549,160 parameters. He, Zhang, Ren, Sun, *Deep residual learning for image
    recognition*, 2016; book rows S2.2 (Stevens), S7.10 (Godoy). Raises `ModelError` for pictures of other channels.
    """

    def __init__(
        self,
        block: Block = ResidualBlock,
        depths: Sequence[int] = (2, 2, 2, 2),
        classes: int = 1000,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = _stage(block, depths[0], 64, 64, 1)
        self.layer2 = _stage(block, depths[1], 64 * block.expansion, 128, 2)
        self.layer3 = _stage(block, depths[2], 128 * block.expansion, 256, 2)
        self.layer4 = _stage(block, depths[3], 256 * block.expansion, 512, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * block.expansion, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out_(module.weight)

    def forward(self, images: Pictures) -> Float[Tensor, "batch classes"]:
        """The logits."""
        try:
            stem = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        except RuntimeError:
            refuse_pictures(images, "ResNet", channels=self.in_channels, least=1)
            raise
        found = self.layer4(self.layer3(self.layer2(self.layer1(stem))))
        logits: Tensor = self.fc(self.avgpool(found).flatten(1))
        return logits


def _conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


def _stage(block: Block, depth: int, inputs: int, width: int, stride: int) -> nn.Sequential:
    first = block(inputs, width, stride)
    return nn.Sequential(first, *(block(width * block.expansion, width) for _ in range(1, depth)))
