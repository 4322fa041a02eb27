"""A photo translated into another kind by a generator with weights from a file (Stevens et al., section 2.2, row S2.3)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from stepwell.core.devices import best_device
from stepwell.core.errors import DataError, ModelError, RunError
from stepwell.data.weights import weights_folder
from stepwell.insight.outputs import outputs_of
from stepwell.models.cyclegan import ResNetGenerator
from stepwell.models.state_files import read_state
from stepwell.models.weights import load_state
from stepwell.recipes.status import check_trained
from stepwell.runs import Run
from stepwell.runs.files import writing

HORSE_TO_ZEBRA = "horse2zebra_0.4.0.pth"
_ADDRESS = f"https://github.com/deep-learning-with-pytorch/dlwpt-code/raw/master/data/p1ch2/{HORSE_TO_ZEBRA}"
_FIRST, _BLOCK = "model.1.weight", ".conv_block.1.weight"


def load_translator(weights: Path) -> ResNetGenerator:
    """The generator of a file of weights, of the width and depth that the file has.

    The file is looked for where `weights` says, and then among the weights of the data folder. Raises `DataError` where it
    is in neither, with where to get it, and `ModelError` for weights of another architecture.
    """
    path = next((one for one in (weights, weights_folder() / weights.name) if one.is_file()), None)
    if path is None:
        raise DataError(_missing(weights))
    state = read_state(path)
    generator = _empty(state, path)
    load_state(generator, state, path)
    return generator.eval().to(best_device())


def translator_of(run: Run, *, back: bool = False) -> ResNetGenerator:
    """The generator from the first kind of pictures to the second, or `back`, of a CycleGAN's run with its best weights.

    Such generators are shown values -1 to 1: `translated(…, signed=True)`. Raises `RunError` for a run of another model,
    `CheckpointError` for one without a checkpoint.
    """
    check_trained(run)
    side = "b_to_a." if back else "a_to_b."
    model = run.read_checkpoint("best").parts["model"]
    state = {name.removeprefix(side): tensor for name, tensor in model.items() if name.startswith(side)}
    if _FIRST not in state:
        raise RunError(
            f"{run.name} has no generator that translates pictures: it is no run of the recipe cyclegan. Train one with:"
            " stepwell train cyclegan"
        )
    generator = _empty(state, run.folder)
    load_state(generator, state, run.folder)
    return generator.eval().to(best_device())


def _missing(weights: Path) -> str:
    put = f"{weights_folder() / weights.name}"
    if weights.name == HORSE_TO_ZEBRA:
        return f"The weights {weights} are not here. To have them:\n  get  {_ADDRESS} (about 46 MB)\n  to   {put}"
    return (
        f"There is no file of weights {weights}, nor {put}. Those of *Deep Learning with PyTorch*, which make zebras of horses,"
        f" are published:\n  get  {_ADDRESS}\n  to   {put}"
    )


def _empty(state: Mapping[str, Tensor], path: Path) -> ResNetGenerator:
    """A generator of the shape that a state has."""
    first = state.get(_FIRST)
    if first is None or first.dim() != 4:
        known = ", ".join(list(state)[:3])
        raise ModelError(
            f"{path} is not of a CycleGAN's generator, whose first weights are called {_FIRST} and have the shape"
            f" (width, channels, 7, 7). It has {known}, …"
        )
    blocks = sum(name.endswith(_BLOCK) for name in state)
    return ResNetGenerator(channels=first.shape[1], width=first.shape[0], blocks=blocks)


def translated(
    generator: ResNetGenerator, picture: UInt8[Tensor, "3 h w"], *, shorter: int | None = 256, signed: bool = False
) -> UInt8[Tensor, "3 h2 w2"]:
    """What a generator makes of a picture whose shorter side is scaled to `shorter` pixels (None: it stays as it is).

    The generator is shown values 0 to 1, as in the book, though it was trained on -1 to 1 and gives those; `signed` shows it
    -1 to 1, as generators of one's own runs are trained. The sides of the result are multiples of 4, at most 3 pixels more
    than the picture's: 1500×1220 becomes 314×256, and comes out as 316×256.
    Raises `DataError` for pictures that are too small to be mirrored at their edges.
    """
    scaled = picture if shorter is None else _scaled(picture, shorter)
    if min(scaled.shape[1:]) < 8:
        raise DataError(f"The picture has {scaled.shape[2]}×{scaled.shape[1]} pixels; a generator needs 8×8 or more.")
    pixels = scaled.float() / 255
    made: Tensor = outputs_of(generator, (2 * pixels - 1 if signed else pixels).unsqueeze(0))
    return ((made[0] + 1) / 2 * 255).round().clamp(0, 255).to(torch.uint8)


def _scaled(picture: UInt8[Tensor, "3 h w"], shorter: int) -> UInt8[Tensor, "3 h2 w2"]:
    """By Pillow's bilinear filter; the longer side is rounded down, as torchvision does."""
    height, width = picture.shape[1:]
    short = min(height, width)
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
    smaller = image.resize((shorter * width // short, shorter * height // short), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(smaller)).permute(2, 0, 1).contiguous()


def check_format(path: Path) -> None:
    """Raise `DataError` for a name that ends in no format of pictures."""
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:  # some formats can only be read
        raise DataError(f"{path.name} ends in no format that pictures can be written in; name it .jpg or .png.")


def save_picture(picture: UInt8[Tensor, "3 h w"], path: Path) -> None:
    """Write a picture in the format that its name ends in. Raises `DataError` for a name that `check_format` refuses."""
    check_format(path)
    with writing(path):
        Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(path)
