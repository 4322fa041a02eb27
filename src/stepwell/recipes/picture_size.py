"""The size to which pictures are scaled, where nobody says."""

from pathlib import Path

from stepwell.core.errors import RecipeError
from stepwell.data.images.listing import Listing
from stepwell.data.images.opening import open_images
from stepwell.data.images.parts import size_of
from stepwell.models.backbones import backbone

_LOOKED_AT = 256
_LARGEST = 96  # pixels a side to which the pictures' own size is kept: larger ones are slow to learn from on a CPU


def size_for(folder: Path, name: str, size: int | None, weights: str | None) -> tuple[int, int] | None:
    """Height and width for a backbone: what was asked for, else the pictures' own where they are small and alike (None),
    else the backbone's usual size; also that where it has published weights, which know pictures of that size.
    """
    if size is not None:
        if size < 1:
            raise RecipeError(f"--size {size} has no pixels; give 1 or more.")
        return size, size
    chosen = backbone(name)
    usual = (chosen.usual, chosen.usual)
    if weights or chosen.target is not None:
        return usual
    return None if _small_and_alike(folder, chosen.least) else usual


def _small_and_alike(folder: Path, least: int) -> bool:
    """Whether some pictures of a folder are of one small size; an archive's are taken to be."""
    if not folder.is_dir() and folder.suffix.lower() != ".csv":
        return True
    listing = open_images(folder)
    if not isinstance(listing, Listing):
        return True
    every = max(1, len(listing) // _LOOKED_AT)
    sizes = {size_of(listing.root / file) for file in listing.files[::every]}
    known = sizes - {None}
    return len(known) == 1 and all(least <= min(each) and max(each) <= _LARGEST for each in known if each)
