"""Operations one after the other, as the training applies them to its batches."""

import torch
from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.augment.operation import Operation, floats
from stepwell.data.batch import Batch


class Augment:
    """A transform `(Batch, Key) -> Batch` that applies operations in order, each under a key of its own name and place.

    It works on whole batches of images on the device that they lie on. What becomes of an image depends on the key and its
    row number alone, so a resumed training sees the same images; a row that an order shows twice in an epoch looks the same
    both times. Adding an operation at the end changes no draw of the others. Targets and row numbers stay. Raises
    `DataError` for inputs that are no images `(n, channels, *spatial)`.
    """

    def __init__(self, *operations: Operation) -> None:
        self.operations = operations

    def __repr__(self) -> str:
        return f"Augment({', '.join(map(repr, self.operations))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Augment) and self.operations == other.operations

    def __hash__(self) -> int:
        return hash(self.operations)

    def __call__(self, batch: Batch, key: Key) -> Batch:
        """The batch with augmented inputs."""
        images = batch.inputs
        if not isinstance(images, Tensor) or images.dim() < 3:
            given = f"a tensor {tuple(images.shape)}" if isinstance(images, Tensor) else f"a {type(images).__name__}"
            raise DataError(f"Augmentation takes batches of images, (n, channels, height, width), not {given}.")
        return batch._replace(inputs=self.images(images, batch.index, key))

    def images(self, images: Tensor, rows: Tensor, key: Key) -> Tensor:
        """Images `(n, channels, *spatial)` of the rows `rows`, augmented under `key`."""
        rows = rows.to(images.device)
        for place, operation in enumerate(self.operations):
            images = operation(images, rows, key(type(operation).__name__, place))
        return images


def examples(augment: Augment, images: Tensor, draws: int = 5, *, key: Key = Key(0)) -> Tensor:  # noqa: B008 # frozen
    """What training sees of `images` in `draws` epochs: floats `(draws, n, channels, *spatial)`, for `plots.augmented`."""
    rows = torch.arange(len(images), device=images.device)
    return torch.stack([floats(augment.images(images, rows, key("augment", epoch))) for epoch in range(draws)])
