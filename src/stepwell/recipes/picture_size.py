"""The size to which pictures are scaled, where nobody says."""

from pathlib import Path

from stepwell.core.errors import RecipeError
from stepwell.data.images.listing import Listing
from stepwell.data.images.opening import Archive, sizes_of
from stepwell.data.images.stored import Images
from stepwell.models.backbones import backbone

_LARGEST = 96  # pixels a side to which the pictures' own size is kept: larger ones are slow to learn from on a CPU


Found = Images | Listing | Archive
"""Pictures that `stepwell.data.images.opening.look` found."""


def size_for(found: Found, name: str, size: int | None, weights: Path | None) -> tuple[int, int] | None:
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
    return None if _small_and_alike(found, chosen.least) else usual


def _small_and_alike(found: Found, least: int) -> bool:
    """Whether some of the pictures are of one small size, wherever they lie."""
    first: tuple[int, int] | None = None
    for size in filter(None, sizes_of(found)):
        first = first or size
        if size != first or min(size) < least or max(size) > _LARGEST:
            return False
    return first is not None
