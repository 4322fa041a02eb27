"""Names that are imported on first use."""

import fractions
import json.decoder

import pytest

from stepwell.core.lazy import names_of

find = names_of("box", {"fractions": ("Fraction",), "json.decoder": ()})


def test_names_and_modules_are_found() -> None:
    assert find("Fraction") is fractions.Fraction
    assert find("decoder") is json.decoder


@pytest.mark.parametrize("name", ["fractions", "Fractions", "json"])
def test_another_name_is_no_attribute(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'box' has no attribute '{name}'"):
        find(name)
