"""The three networks of Raff, *Inside Deep Learning*, chapter 3, for pictures of digits (rows S-32 and S-33).

All take `(batch, channels, size, size)` and give logits `(batch, classes)`; the books' pictures are 1×28×28 of 10 classes.
"""

from torch import nn

from stepwell.core.errors import ModelError


def raff_linear(classes: int = 10, *, channels: int = 1, size: int = 28, hidden: int = 256) -> nn.Sequential:
    """No convolution: every pixel to every one of `hidden` units (203,530 parameters)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, hidden), nn.Tanh(), nn.Linear(hidden, classes))


def raff_cnn(
    classes: int = 10, *, channels: int = 1, size: int = 28, filters: int = 16, kernel: int = 3
) -> nn.Sequential:
    """One convolution that keeps the size, then a linear layer (125,610 parameters). `kernel` is odd."""
    return nn.Sequential(
        *_convolutions((channels, filters), kernel), nn.Flatten(), nn.Linear(filters * size * size, classes)
    )


def raff_pooled_cnn(
    classes: int = 10, *, channels: int = 1, size: int = 28, filters: int = 16, kernel: int = 3, depth: int = 3
) -> nn.Sequential:
    """Twice `depth` convolutions and a pooling, with twice the filters the second time (43,626 parameters).

    `kernel` is odd. Raises `ModelError` for a size that two poolings leave nothing of.
    """
    if size < 4:
        raise ModelError(f"Pictures of {size}×{size} pixels have none left after two poolings; give 4×4 or more.")
    blocks = ((channels, *[filters] * depth), (filters, *[2 * filters] * depth))
    layers = [layer for widths in blocks for layer in (*_convolutions(widths, kernel), nn.MaxPool2d(2))]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * filters * (size // 2 // 2) ** 2, classes))


def _convolutions(widths: tuple[int, ...], kernel: int) -> list[nn.Module]:
    """Convolutions with tanh from each width to the next, which keep the size of the picture."""
    if kernel % 2 == 0:
        raise ModelError(f"A kernel of {kernel} pixels has no centre, so it cannot keep the size; give an odd one.")
    pairs = zip(widths, widths[1:], strict=False)
    return [
        layer for before, after in pairs for layer in (nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.Tanh())
    ]
