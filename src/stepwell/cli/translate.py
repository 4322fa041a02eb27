"""`stepwell translate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepwell.cli.console import say, starting
from stepwell.cli.failures import WrongUse

if TYPE_CHECKING:
    from torch import Tensor

_SIDE = 32  # pixels of the pictures that the recipe cyclegan is trained on
_PHOTO = typer.Argument(help="a photo in any format that Pillow reads", metavar="PHOTO")
_WEIGHTS = typer.Option(
    help="a CycleGAN's generator: a file with its weights (.pth, .safetensors), or a run of cyclegan"
)
_OUT = typer.Option(help="where to write the picture (.jpg, .png)")
_SHORTER = typer.Option(
    help="pixels to scale the photo's shorter side to; 0: leave it as it is (default: 256; of a run, its pictures' 32)",
    min=0,
    show_default=False,
)
_BACK = typer.Option("--back", help="of a run: from its second kind of pictures to the first")


def translate(
    photo: Annotated[Path, _PHOTO],
    weights: Annotated[Path, _WEIGHTS] = Path("horse2zebra_0.4.0.pth"),
    out: Annotated[Path, _OUT] = Path("translated.jpg"),
    shorter: Annotated[int | None, _SHORTER] = None,
    back: Annotated[bool, _BACK] = False,
) -> None:
    """Turn a photo into one of another kind, a horse into a zebra, with a CycleGAN's generator.

    A run of the recipe cyclegan knows pictures of 32 pixels a side, so a photo is scaled to that.
    """
    if not out.parent.is_dir():
        raise WrongUse(f"There is no folder {out.parent} to write {out.name} to. Make it, or name another.")
    if back and not weights.is_dir():
        raise WrongUse(f"--back is for a run, which has a generator for each way; {weights} is no run folder.")
    with starting("translating"):
        from stepwell.data.pictures import read_picture
        from stepwell.recipes.translate import check_format, save_picture

        check_format(out)
        picture = read_picture(photo)
        made = _of_run(weights, picture, shorter, back) if weights.is_dir() else _of_file(weights, picture, shorter)
        save_picture(made, out)
    say(f"{out}: {made.shape[2]}×{made.shape[1]} pixels")


def _of_file(weights: Path, picture: "Tensor", shorter: int | None) -> "Tensor":
    from stepwell.recipes.translate import load_translator, translated

    return translated(load_translator(weights), picture, shorter=256 if shorter is None else shorter or None)


def _of_run(folder: Path, picture: "Tensor", shorter: int | None, back: bool) -> "Tensor":
    from stepwell.cli.runs import find_run
    from stepwell.recipes.translate import translated, translator_of

    generator = translator_of(find_run(str(folder)), back=back)
    return translated(generator, picture, shorter=_SIDE if shorter is None else shorter or None, signed=True)
