"""The gallery's figures, by subject."""

from figures import (
    augmentation,
    classification,
    data,
    descent,
    dynamics,
    inside,
    networks,
    regression,
    space,
    tables,
    tensors,
    training,
)
from figures.entry import Entry, Section, section

SECTIONS = [
    section(module)
    for module in (
        tensors,
        data,
        descent,
        regression,
        networks,
        training,
        dynamics,
        classification,
        augmentation,
        inside,
        space,
        tables,
    )
]

__all__ = ["SECTIONS", "Entry", "Section"]
