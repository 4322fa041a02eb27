"""`stepwell recognise`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepwell.cli.console import command, console, facts, say, show, starting, suggest_next, table

if TYPE_CHECKING:
    from stepwell.recipes.recognise import Guess, Recogniser

_BAR = 30  # characters of a whole one
_LEAST = 20  # characters of a name
_PHOTO = typer.Argument(help="a photo in any format that Pillow reads", metavar="PHOTO")
_WEIGHTS = typer.Option(
    help="a file of weights (.pth, .pt, .safetensors), or an architecture's name for the published ones"
)
_TOP = typer.Option(help="how many classes are shown", min=1)
_ARCHITECTURE = typer.Option(help="the network's name; else it is told from the weights")
_CLASSES = typer.Option(help="a text file with a class a line (default: ImageNet's 1000)")
_DOWNLOAD = typer.Option("--download", help="fetch published weights that are missing")


def recognise(
    photo: Annotated[Path, _PHOTO],
    weights: Annotated[str, _WEIGHTS] = "resnet101",
    top: Annotated[int, _TOP] = 5,
    architecture: Annotated[str | None, _ARCHITECTURE] = None,
    classes: Annotated[Path | None, _CLASSES] = None,
    download: Annotated[bool, _DOWNLOAD] = False,
) -> None:
    """Say what is in a photo, with a network that was trained on ImageNet.

    The middle of the photo is shown to it as it was shown its training pictures.
    """
    with starting():
        from stepwell.data.pictures import read_picture
        from stepwell.recipes.recognise import load_recogniser
    picture = read_picture(photo)
    if download:
        _download(weights)
    recogniser = load_recogniser(weights, architecture, classes)
    _tell(photo, recogniser, recogniser.guesses(picture, top))
    if top < recogniser.architecture.classes:
        more = str(min(4 * top, recogniser.architecture.classes))
        suggest_next([(command("recognise", photo, "--weights", weights, "--top", more), "see more of its guesses")])


def _download(weights: str) -> None:
    from stepwell.cli.download import Display
    from stepwell.data.weights import get_weights

    with Display() as display:
        get_weights(weights, lambda done, total: display.advance(Path(weights).stem, done, total))


def _tell(photo: Path, recogniser: "Recogniser", guesses: "list[Guess]") -> None:
    room = max(_LEAST, console().width - _BAR - len("100.00%") - 6)
    rows = [(_shortened(guess.name, room), f"{guess.probability:.2%}", _bar(guess.probability)) for guess in guesses]
    show(table(("what it is", "sure", ""), rows, right=("sure",)))
    say()
    found, crop = recogniser.architecture, recogniser.crop
    facts(
        [
            ("network", f"{found.name}, {found.classes:,} classes"),
            (
                "seen",
                f"the middle {crop} × {crop} pixels of {photo.name}, its shorter side scaled to {recogniser.shorter}",
            ),
        ]
    )


def _shortened(name: str, room: int) -> str:
    """A class's name, of which ImageNet has some of many words, so that the numbers beside it have their place."""
    return name if len(name) <= room else f"{name[: room - 1]}…"


def _bar(share: float) -> str:
    return "█" * round(share * _BAR) or "▏"
