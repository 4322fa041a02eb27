"""The gallery's figures, by subject."""

from figures import classification, data, descent, networks, regression, space, tables, tensors, training
from figures.entry import Entry, Section, section

SECTIONS = [
    section(module)
    for module in (tensors, data, descent, regression, networks, training, classification, space, tables)
]

__all__ = ["SECTIONS", "Entry", "Section"]
