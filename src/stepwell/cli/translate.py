"""`stepwell translate`."""

from pathlib import Path
from typing import Annotated

import typer

from stepwell.cli.console import say, starting
from stepwell.cli.failures import WrongUse

_PHOTO = typer.Argument(help="a photo in any format that Pillow reads", metavar="PHOTO")
_WEIGHTS = typer.Option(help="a file with the weights of a CycleGAN's generator (.pth, .safetensors)")
_OUT = typer.Option(help="where to write the picture (.jpg, .png)")
_SHORTER = typer.Option(help="pixels to scale the photo's shorter side to; 0: leave it as it is", min=0)


def translate(
    photo: Annotated[Path, _PHOTO],
    weights: Annotated[Path, _WEIGHTS] = Path("horse2zebra_0.4.0.pth"),
    out: Annotated[Path, _OUT] = Path("translated.jpg"),
    shorter: Annotated[int, _SHORTER] = 256,
) -> None:
    """Turn a photo into one of another kind, a horse into a zebra, with a CycleGAN's generator."""
    if not out.parent.is_dir():
        raise WrongUse(f"There is no folder {out.parent} to write {out.name} to. Make it, or name another.")
    with starting("translating"):
        from stepwell.data.pictures import read_picture
        from stepwell.recipes.translate import check_format, load_translator, save_picture, translated

        check_format(out)
        picture = read_picture(photo)
        made = translated(load_translator(weights), picture, shorter=shorter or None)
        save_picture(made, out)
    say(f"{out}: {made.shape[2]}×{made.shape[1]} pixels")
