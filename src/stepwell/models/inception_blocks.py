"""The blocks of Inception v3: branches side by side, joined along their channels.

Their parts have torchvision's names, which say where a branch comes from, what it convolves with, and its place in it.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Pictures = Float[Tensor, "batch channels h w"]
Pair = int | tuple[int, int]


class BasicConv2d(nn.Module):
    """A convolution without bias, a normalisation with eps 0.001, ReLU (book row S7.6, Godoy)."""

    def __init__(self, inputs: int, outputs: int, kernel: Pair, stride: int = 1, padding: Pair = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Pictures) -> Pictures:
        """What was found, without its negative part."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class InceptionA(nn.Module):
    """Branches of 1 × 1, 5 × 5, twice 3 × 3, and a mean: to `224 + pooled` channels of the same size."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = BasicConv2d(inputs, 48, 1), BasicConv2d(48, 64, 5, padding=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = BasicConv2d(inputs, 64, 1), BasicConv2d(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3, padding=1)
        self.branch_pool = BasicConv2d(inputs, pooled, 1)

    def forward(self, x: Pictures) -> Pictures:
        """The branches, joined."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_mean3x3(x))], dim=1)


class InceptionB(nn.Module):
    """Branches of 3 × 3, twice 3 × 3, and a maximum, all of stride 2: to `480 + inputs` channels of half the size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = BasicConv2d(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = BasicConv2d(inputs, 64, 1), BasicConv2d(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3, stride=2)

    def forward(self, x: Pictures) -> Pictures:
        """The branches, joined."""
        twice = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), twice, _maximum3x3(x)], dim=1)


class InceptionC(nn.Module):
    """Branches of 1 × 1, 7 × 7, twice 7 × 7, and a mean, a 7 × 7 being a row and a column of 7: to 768 channels.

    `width` is the number of channels inside the branches of 7 × 7.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 192, 1)
        self.branch7x7_1, self.branch7x7_2 = BasicConv2d(inputs, width, 1), _row(width, width, 7)
        self.branch7x7_3 = _column(width, 192, 7)
        self.branch7x7dbl_1, self.branch7x7dbl_2 = BasicConv2d(inputs, width, 1), _column(width, width, 7)
        self.branch7x7dbl_3, self.branch7x7dbl_4 = _row(width, width, 7), _column(width, width, 7)
        self.branch7x7dbl_5 = _row(width, 192, 7)
        self.branch_pool = BasicConv2d(inputs, 192, 1)

    def forward(self, x: Pictures) -> Pictures:
        """The branches, joined."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), seven, twice, self.branch_pool(_mean3x3(x))], dim=1)


class InceptionD(nn.Module):
    """Branches of 3 × 3, of 7 × 7 and 3 × 3, and a maximum, all of stride 2: to `512 + inputs` channels of half the size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = BasicConv2d(inputs, 192, 1), BasicConv2d(192, 320, 3, stride=2)
        self.branch7x7x3_1, self.branch7x7x3_2 = BasicConv2d(inputs, 192, 1), _row(192, 192, 7)
        self.branch7x7x3_3, self.branch7x7x3_4 = _column(192, 192, 7), BasicConv2d(192, 192, 3, stride=2)

    def forward(self, x: Pictures) -> Pictures:
        """The branches, joined."""
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, _maximum3x3(x)], dim=1)


class InceptionE(nn.Module):
    """Branches of 1 × 1, of a row beside a column of 3, of 3 × 3 and then both, and a mean: to 2048 channels."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 320, 1)
        self.branch3x3_1 = BasicConv2d(inputs, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = _row(384, 384, 3), _column(384, 384, 3)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = BasicConv2d(inputs, 448, 1), BasicConv2d(448, 384, 3, padding=1)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = _row(384, 384, 3), _column(384, 384, 3)
        self.branch_pool = BasicConv2d(inputs, 192, 1)

    def forward(self, x: Pictures) -> Pictures:
        """The branches, joined."""
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        wide = [
            self.branch3x3_2a(once),
            self.branch3x3_2b(once),
            self.branch3x3dbl_3a(twice),
            self.branch3x3dbl_3b(twice),
        ]
        return torch.cat([self.branch1x1(x), *wide, self.branch_pool(_mean3x3(x))], dim=1)


class SideHead(nn.Module):
    """A small classifier on what the middle of the network has found: `(batch, inputs, 17, 17)` or more to logits.

    Its loss pulls on the early layers, which are far from the main head's.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.conv0, self.conv1 = BasicConv2d(inputs, 128, 1), BasicConv2d(128, 768, 5)
        self.fc = nn.Linear(768, classes)

    def forward(self, x: Pictures) -> Float[Tensor, "batch classes"]:
        """The logits."""
        found = self.conv1(self.conv0(F.avg_pool2d(x, kernel_size=5, stride=3)))
        logits: Tensor = self.fc(F.adaptive_avg_pool2d(found, 1).flatten(1))
        return logits


def _row(inputs: int, outputs: int, length: int) -> BasicConv2d:
    return BasicConv2d(inputs, outputs, (1, length), padding=(0, length // 2))


def _column(inputs: int, outputs: int, length: int) -> BasicConv2d:
    return BasicConv2d(inputs, outputs, (length, 1), padding=(length // 2, 0))


def _mean3x3(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)


def _maximum3x3(x: Tensor) -> Tensor:
    return F.max_pool2d(x, kernel_size=3, stride=2)
