"""Errors: one base, and a hint that is a whole sentence or nothing."""

import inspect

import pytest

from stepwell.core import errors
from stepwell.core.errors import StepwellError, StepwellWarning, suggest


def test_every_error_is_a_stepwell_error_and_no_warning_is() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert len(kinds) > 8
    for kind in kinds:
        assert issubclass(kind, StepwellError) != issubclass(kind, StepwellWarning)


@pytest.mark.parametrize(
    ("given", "hint"), [("moon", " Did you mean 'moons'?"), ("digts", " Did you mean 'digits'?"), ("xyzzy", "")]
)
def test_the_nearest_name_is_suggested(given: str, hint: str) -> None:
    assert suggest(given, ["moons", "digits", "line"]) == hint


def test_nothing_is_suggested_of_nothing() -> None:
    assert suggest("moons", []) == ""
