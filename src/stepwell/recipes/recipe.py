"""A recipe: a function with typed keyword parameters that returns an experiment. Its signature is its configuration."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from stepwell.core.errors import RecipeError, StepwellError, suggest
from stepwell.core.lazy import named
from stepwell.recipes.entries import ENTRIES
from stepwell.recipes.own import own_function, told
from stepwell.recipes.values import rooted, typed
from stepwell.training.experiment import Experiment

_BEGUN = "_begun"  # a parameter that is no setting


@dataclass(frozen=True)
class Parameter:
    """A recipe's parameter: its name, its type without annotations, its default, and the help of `Annotated[type, help]`."""

    name: str
    type: Any
    default: Any
    help: str = ""


@dataclass(frozen=True)
class Recipe:
    """A named function that makes experiments. `target` is what `load` finds it by again."""

    name: str
    target: str
    function: Callable[..., Experiment]

    @property
    def summary(self) -> str:
        """The first paragraph of the function's docstring."""
        return " ".join((inspect.getdoc(self.function) or "").partition("\n\n")[0].split())

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The function's parameters by name, from its signature and from nowhere else."""
        hints = get_type_hints(self.function, include_extras=True)
        found = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            if name == _BEGUN:
                continue
            hint = hints.get(name, type(parameter.default))
            annotated = get_origin(hint) is Annotated
            kind, text = (get_args(hint)[0], get_args(hint)[1]) if annotated else (hint, "")
            found[name] = Parameter(name, kind, parameter.default, text if isinstance(text, str) else "")
        return found

    @property
    def arguments(self) -> list[str]:
        """The parameters that are given by their place: those before the `*` of the signature, without a default."""
        found = inspect.signature(self.function).parameters.values()
        places = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
        return [parameter.name for parameter in found if (parameter.kind, parameter.default) == places]

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that have a default, with it."""
        return {
            name: one.default for name, one in self.parameters.items() if one.default is not inspect.Parameter.empty
        }

    def complete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters with their values, given or by default, in their types. Raises `RecipeError`."""
        known = self.parameters
        for name in parameters.keys() - known.keys():
            raise RecipeError(f"The recipe {self.name} has no parameter {name!r}.{suggest(name, known)}")
        return {**self.defaults, **{name: self._typed(name, value) for name, value in parameters.items()}}

    def kept(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters that the recipe has, as a run keeps them: plain, and with absolute paths."""
        return {name: rooted(value, self.parameters[name].type) for name, value in parameters.items()}

    def build(self, parameters: Mapping[str, Any], *, begun: bool = False) -> Experiment:
        """The experiment for some parameters; the others keep their defaults.

        `begun` says that a checkpoint's weights follow. A function that has a parameter `_begun` is told so: then what only a
        new run begins with, such as published weights, need not be there any more. Raises
        `RecipeError` for parameters that it does not have, and for whatever the function raises.
        """
        complete = self.complete(parameters)
        if _BEGUN in inspect.signature(self.function).parameters:
            complete[_BEGUN] = begun
        try:
            experiment = self.function(**complete)
        except StepwellError:
            raise
        except Exception as error:  # somebody else's code may raise anything, and is told as it is
            raise RecipeError(f"The recipe {self.name} failed: {told(error)}") from error
        if not isinstance(experiment, Experiment):
            raise RecipeError(f"The recipe {self.name} returned a {type(experiment).__name__}; an Experiment is due.")
        return experiment

    def _typed(self, name: str, value: Any) -> Any:
        """A parameter's value in its type, also where it comes from the JSON of a saved run. Raises `RecipeError`."""
        try:
            return typed(value, self.parameters[name].type)
        except ValueError as error:
            raise RecipeError(f"The parameter {name!r} of the recipe {self.name}: {error}.") from None


def load(target: str) -> Recipe:
    """The recipe of a name in the table, or of `path/to/file.py:function`. Raises `RecipeError` where there is none."""
    if ".py" in target:
        return Recipe(*own_function(target))
    entries = {entry.name: entry for entry in ENTRIES}
    if target not in entries:
        hint = suggest(target, entries) or f" Known: {', '.join(entries)}."
        raise RecipeError(f"There is no recipe {target!r}.{hint} Your own are named path/to/file.py:function.")
    return Recipe(target, target, named(entries[target].target))
