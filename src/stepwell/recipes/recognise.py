"""What is in a photo, as a network with published weights sees it (Stevens et al., section 2.1, row S2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jaxtyping import UInt8
from torch import Tensor, nn

from stepwell.core.errors import DataError, ModelError
from stepwell.data.catalogue import data_folder
from stepwell.data.framing import framed
from stepwell.data.weights import PUBLISHED, find_weights
from stepwell.insight.outputs import outputs_of
from stepwell.models.architectures import Architecture, maker, recognised, told_architecture
from stepwell.models.pixels import FromPixels
from stepwell.models.state_files import read_state
from stepwell.models.weights import load_state

NAMES = "images/imagenet_classes.txt"
"""The names of ImageNet's classes in the data folder, one a line."""

_IMAGENET = 1000
_USUAL = PUBLISHED["resnet101"]


class Guess(NamedTuple):
    """A class's name and how sure the network is of it, 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True, eq=False)
class Recogniser:
    """A network for photos, the names of its classes, and how a photo is framed for it (`stepwell.data.framing.framed`)."""

    architecture: Architecture
    model: nn.Module
    names: tuple[str, ...]
    shorter: int
    crop: int

    def guesses(self, photo: UInt8[Tensor, "3 h w"], top: int = 5) -> list[Guess]:
        """The `top` likeliest classes of a photo, as `stepwell.data.read_picture` gives it, the likeliest first."""
        logits: Tensor = outputs_of(self.model, framed(photo, self.shorter, self.crop).unsqueeze(0))
        found = logits.softmax(dim=1)[0].sort(descending=True, stable=True)
        places, sure = found.indices[:top].tolist(), found.values[:top].tolist()
        return [Guess(self.names[place], probability) for place, probability in zip(places, sure, strict=True)]


def load_recogniser(weights: Path | str, architecture: str | None = None, names: Path | None = None) -> Recogniser:
    """The recogniser of a file of weights, by its path or by a name that `stepwell.data.weights.find_weights` knows.

    The architecture is told from the weights where it is not given. `names` is a text file with a class a line; 1000
    classes are taken for ImageNet's. Raises `DataError` where a file is missing, with where to get it, and `ModelError` for
    weights of no known architecture, or of another than the given.
    """
    path = find_weights(weights)
    state = read_state(path)
    found = _architecture(state, architecture, path)
    net = found.empty()
    load_state(net, state, path)  # says what does not fit
    how = PUBLISHED.get(found.name, _USUAL)
    return Recogniser(found, FromPixels(net, how.mean, how.std), _names(names, found.classes), how.shorter, how.crop)


def _architecture(state: Mapping[str, Tensor], wanted: str | None, path: Path) -> Architecture:
    """The wanted architecture, or else the one that the weights are of."""
    found = recognised(state)
    if wanted is not None:
        maker(wanted)  # refuses a name that is none
        return Architecture(wanted, found.classes, found.channels) if found else Architecture(wanted, _IMAGENET, 3)
    if found is None:
        raise ModelError(f"{path} cannot be used to recognise photos. {told_architecture(state)}")
    if found.channels != 3:
        raise ModelError(f"{path} is for pictures of {found.channels} channels; photos have 3.")
    return found


def _names(given: Path | None, classes: int) -> tuple[str, ...]:
    """The classes' names: of a file, ImageNet's, or numbers."""
    path = given or data_folder() / NAMES
    if given is None and classes != _IMAGENET:
        return tuple(f"class {number}" for number in range(classes))
    if not path.is_file():
        mend = "Name a text file with a class a line" if given else "Get it: stepwell data get images"
        raise DataError(f"The names of the classes are not here: there is no file {path}. {mend}.")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    names = tuple(line for line in lines if line)
    if len(names) != classes:
        raise DataError(f"{path} has {len(names):,} names, but the network has {classes:,} classes; one a line is due.")
    return names
