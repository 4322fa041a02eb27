"""The choosing of layers, where `stepwell.recipes` has it from; it is done in `stepwell.core.layers`."""

from stepwell.core.layers import choose as choose
