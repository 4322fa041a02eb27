"""The pictures of CIFAR-10 that recipes train on: where they lie, and some classes of them."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from stepwell.core.errors import DataError
from stepwell.data import catalogue
from stepwell.data.arrays import ArraySource
from stepwell.data.images.archive import read_archive
from stepwell.data.images.cifar import has_cifar, read_cifar
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.reader import ImageReader
from stepwell.data.images.stored import Images
from stepwell.data.splits import Splits
from stepwell.data.unpaired import Unpaired

MEAN, STD = (0.4915, 0.4823, 0.4468), (0.2470, 0.2435, 0.2616)
"""Of each channel over all 50,000 training pictures, as Stevens et al. have them (row S7.1)."""

_JPEG = "cifar-10/cifar-10-jpg.tar.gz"


def cifar_images(data: Path | None, classes: tuple[str, ...]) -> Images:
    """The pictures of some classes, numbered in that order, with the sides `train` and `test`.

    `data` is the folder of data sets (None: the user's), an archive `train/CLASS/NAME.jpg` of its own, or a folder of CIFAR's
    binary files. The published version is fetched where neither it nor an archive of JPEG files is there. Raises `DataError`
    for a path that does not exist, for pictures without sides, and where the fetching fails.
    """
    found = _read(data, classes)
    if "train" not in (found.sides or ()):
        raise DataError(
            f"{found.title} does not say which pictures train and which test; expected are folders train and test above the"
            f" classes, such as train/{found.classes[0]}/1.jpg and test/{found.classes[0]}/2.jpg. Lay them out so, or train with"
            " the recipe images, which splits them itself."
        )
    return found


def _read(data: Path | None, classes: tuple[str, ...]) -> Images:
    data = None if data is None else Path(data)  # a name does as well
    if data is not None and not data.exists():
        raise DataError(
            f"There is no {data}. Give the folder of data sets, in which cifar-10 lies, or an archive of pictures."
        )
    if data is not None and data.is_dir() and has_cifar(data):
        return read_cifar(data).of_classes(classes)
    archive = data if data is not None and data.is_file() else (data or catalogue.data_folder()) / _JPEG
    if archive.is_file():
        return read_archive(archive, classes=classes)
    return read_cifar(catalogue.get("cifar-10", root=data) / "cifar-10-binary.tar.gz").of_classes(classes)


def cifar_labelled(data: Path | None, classes: tuple[str, ...]) -> tuple[ImageReader, Splits]:
    """The pictures of some classes with their reader; the test pictures validate, as the books have it."""
    found = cifar_images(data, classes)
    sides = tuple("val" if side == "test" else side for side in found.sides or ())
    return fit_images(replace(found, sides=sides), val=0.0, test=0.0)


def cifar_pairs(data: Path | None, kinds: tuple[str, str], most: int) -> tuple[Splits, Tensor, Tensor]:
    """Pictures of two classes as pairs without any order, bytes: at most `most` of each train, a tenth as many validate.

    With them come six pictures of each class, to look at.
    """
    found = cifar_images(data, kinds)
    train = [found.of_side("train").of_classes((kind,)).images[:most] for kind in kinds]
    test = [found.of_side("test").of_classes((kind,)).images[: max(most // 10, 6)] for kind in kinds]
    pairs = Unpaired(*map(ArraySource, train)), Unpaired(*map(ArraySource, test), paired=True)
    return Splits(train=pairs[0], val=pairs[1]), test[0][:6], test[1][:6]
