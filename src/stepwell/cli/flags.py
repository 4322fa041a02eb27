"""A recipe's signature as a command line: its parameters are the flags, with their types, defaults and help."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import typer

from stepwell.cli.app import single
from stepwell.cli.failures import WrongUse
from stepwell.cli.settings import RESERVED
from stepwell.core.errors import RecipeError
from stepwell.recipes.recipe import Parameter, Recipe
from stepwell.recipes.values import SUPPORTED, describe, supported, text, typed

S = TypeVar("S")


@dataclass(frozen=True)
class Command(Generic[S]):
    """A command that takes a recipe's flags and, after them, those of the dataclass `settings`.

    `use` is called with the recipe's parameters and the settings. `defaults` replace those of the recipe.
    """

    recipe: Recipe
    settings: type[S]
    use: Callable[[dict[str, Any], S], int | None]
    defaults: Mapping[str, Any]

    def app(self) -> typer.Typer:
        """The command. Raises `RecipeError` for parameters that cannot be flags."""
        check(self.recipe)

        def run(**given: Any) -> int | None:
            parameters = {name: self.value(name, given.pop(name)) for name in self.recipe.parameters}
            return self.use(parameters, self.settings(**given))

        flags = [*map(self.flag, self.recipe.parameters.values()), *settings_flags(self.settings)]
        run.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined] # typer reads the signature
        return single(run, help=inspect.getdoc(self.recipe.function) or "")

    def flag(self, parameter: Parameter) -> inspect.Parameter:
        """A recipe's parameter as one of typer's: a flag, or an argument where the recipe takes it by position."""
        default = self.defaults.get(parameter.name, parameter.default)
        if parameter.type is bool and default is not inspect.Parameter.empty:
            option = typer.Option(flag_name(parameter), help=parameter.help)
            return _parameter(parameter.name, bool, option, bool(default))
        kind = describe(parameter.type)
        info: Any = typer.Option(flag_name(parameter), help=parameter.help, metavar=kind)
        if parameter.name in self.recipe.arguments and default is inspect.Parameter.empty:
            info = typer.Argument(help=f"{parameter.help} ({kind})", metavar=parameter.name.upper())
        missing = default is None or default is inspect.Parameter.empty
        return _parameter(parameter.name, str, info, default if missing else text(default))

    def value(self, name: str, given: Any) -> Any:
        """A flag's text as a value of the parameter's type. Raises `WrongUse`."""
        parameter = self.recipe.parameters[name]
        try:
            return typed(given, parameter.type)
        except ValueError as error:
            raise WrongUse(f"{_spoken(self.recipe, parameter)}: {error}.") from None


def flag_name(parameter: Parameter) -> str:
    """`--learning-rate`; `--flag/--no-flag` for a truth value."""
    name = parameter.name.replace("_", "-")
    return f"--{name}/--no-{name}" if parameter.type is bool else f"--{name}"


def _spoken(recipe: Recipe, parameter: Parameter) -> str:
    return parameter.name.upper() if parameter.name in recipe.arguments else f"--{parameter.name.replace('_', '-')}"


def check(recipe: Recipe) -> None:
    """Refuse, with `RecipeError`, a recipe whose parameters cannot be flags."""
    kinds = {name: found.kind for name, found in inspect.signature(recipe.function).parameters.items()}
    for name, parameter in recipe.parameters.items():
        if kinds[name] in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
            raise RecipeError(f"The recipe {recipe.name} takes any parameters (*{name}); a recipe names each of them.")
        if name in RESERVED:
            flag = name.replace("_", "-")
            raise RecipeError(
                f"The recipe {recipe.name} has a parameter {name!r}, but --{flag} is Stepwell's own flag. Rename it."
            )
        if not supported(parameter.type):
            raise RecipeError(
                f"The parameter {name!r} of the recipe {recipe.name} has the type {describe(parameter.type)}, which"
                f" no flag can give. Types that one can: {SUPPORTED}."
            )


def settings_flags(settings: type[Any]) -> list[inspect.Parameter]:
    """The fields of a dataclass, whose types are `Annotated` with typer's options, as parameters."""
    hints = get_type_hints(settings, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, annotation=hints[field.name], default=field.default
        )
        for field in fields(settings)
    ]


def _parameter(name: str, kind: type, info: Any, default: Any) -> inspect.Parameter:
    annotation = Annotated.__class_getitem__((kind, info))  # type: ignore[attr-defined] # Annotated[kind, info], made at run time
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
