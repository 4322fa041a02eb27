"""The values of a sweep: checked, combined, and written on a command line."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, get_args, get_origin

from stepwell.core.errors import RecipeError, suggest
from stepwell.recipes.recipe import Recipe
from stepwell.recipes.values import plain, text
from stepwell.reports import command

Values = Mapping[str, Sequence[Any]]
"""The values of each parameter that is varied."""


def checked(recipe: Recipe, varied: Values) -> dict[str, list[Any]]:
    """The values in their parameters' types, as JSON holds them.

    Raises `RecipeError` for parameters that the recipe does not have, with the nearest, and for values that are none, are
    not of the type, or come twice.
    """
    if not varied:
        raise RecipeError("A sweep varies one parameter or more; none is given.")
    return {name: _checked(recipe, name, values) for name, values in varied.items()}


def _checked(recipe: Recipe, name: str, values: Sequence[Any]) -> list[Any]:
    if name not in recipe.parameters:
        hint = suggest(name, recipe.parameters) or f" It has {', '.join(recipe.parameters)}."
        raise RecipeError(f"The recipe {recipe.name} has no parameter {name!r}.{hint}")
    if not values:
        raise RecipeError(f"The parameter {name!r} is to be varied, but no value is given.")
    try:
        found = [recipe.kept({name: plain(recipe.complete({name: value})[name])})[name] for value in values]
    except RecipeError as error:
        raise RecipeError(f"{error}{_hint(recipe.parameters[name].type)}") from None
    twice = [value for place, value in enumerate(found) if value in found[:place]]
    if twice:
        raise RecipeError(f"The parameter {name!r} has the value {text(twice[0])} twice.")
    return found


def _hint(kind: Any) -> str:
    several = any(get_origin(one) in (tuple, list) for one in (kind, *get_args(kind)))
    return " Where values hold commas, blanks separate them: '64,32 128,64'." if several else ""


def combinations(varied: Values) -> list[dict[str, Any]]:
    """Every combination of values; those of the last parameter change first."""
    return [dict(zip(varied, each, strict=True)) for each in product(*varied.values())]


def split_values(written: str) -> list[str]:
    """The values of `0,1,2`; where there is a blank, blanks separate them, so that values may hold commas: `64 64,32`."""
    return written.split() if " " in written else [each for each in written.split(",") if each]


def join_values(values: Sequence[Any]) -> str:
    """Values as `split_values` reads them."""
    written = [text(value) for value in values]
    if not any("," in each for each in written):
        return ",".join(written)
    return " ".join(written) if len(written) > 1 else f"{written[0]} "


def sweep_command(recipe: Recipe, varied: Values, parameters: Mapping[str, Any]) -> str:
    """The command line of a sweep; parameters that have their default are left out."""
    facts = {
        "recipe": recipe.target,
        "parameters": {name: value for name, value in parameters.items() if name not in varied},
        "arguments": recipe.arguments,
        "defaults": {name: plain(value) for name, value in recipe.defaults.items()},
    }
    flags = [f"{name.replace('_', '-')}={join_values(values)}" for name, values in varied.items()]
    words = [command.train(facts).replace(" train ", " sweep ", 1), *(f"--vary {shlex.quote(flag)}" for flag in flags)]
    return " ".join(words)
