"""`stepwell sweep`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.app import invoke
from stepwell.cli.console import command, starting
from stepwell.cli.failures import WrongUse
from stepwell.cli.settings import TrainSettings

if TYPE_CHECKING:
    from stepwell.recipes.recipe import Recipe
    from stepwell.recipes.sweep import Sweep

_WITH_FLAGS = typer.Argument(
    help="a name of `stepwell list`, your own path/to/file.py:function, or the folder of a sweep to go on with",
    metavar="RECIPE [FLAGS]",
)
_VARY = typer.Option(
    help="a parameter and its values: layers=0,1,2. Blanks separate values that hold commas: 'hidden=64 64,32'. Once for"
    " each parameter; all combinations are trained",
    metavar="parameter=values",
)
_EXAMPLE = "--vary seed=0,1,2"


@dataclass(frozen=True)
class SweepSettings(TrainSettings):
    """What is varied, and how the runs are kept."""

    vary: Annotated[list[str] | None, _VARY] = None


def sweep(context: typer.Context, recipe: Annotated[str, _WITH_FLAGS]) -> int:
    """Train every combination of some parameters' values, and compare.

    `--vary layers=0,1 --vary seed=0,1,2` makes six runs; over seeds, means and standard errors are told. The other flags
    are the recipe's: `stepwell sweep RECIPE --help` shows them. `stepwell sweep FOLDER` goes on with one that was stopped.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise WrongUse("A sweep trains one run after another, in one process. Start it without torchrun.")
    with starting():
        from stepwell.cli.flags import Command
        from stepwell.cli.runs import find_recipe
        from stepwell.cli.sweeping import carry_out
        from stepwell.recipes.sweep import FILE, open_sweep

        folder = next((path for path in (Path(recipe), Path("runs") / recipe) if (path / FILE).exists()), None)
        if folder is not None and context.args:
            raise WrongUse(f"A sweep goes on as it was begun, without flags:\n  {command('sweep', folder)}")
        if folder is not None:
            return carry_out(open_sweep(folder))
        found = find_recipe(recipe)

    def use(parameters: dict[str, Any], settings: SweepSettings) -> int:
        return carry_out(_begun(found, parameters, settings))

    return invoke(Command(found, SweepSettings, use, {}).app(), context.args, f"stepwell sweep {recipe}")


def _begun(recipe: "Recipe", parameters: Mapping[str, Any], settings: SweepSettings) -> "Sweep":
    """A new sweep. Raises `WrongUse` for a `--vary` that cannot be meant."""
    from stepwell.core.errors import RecipeError
    from stepwell.recipes.sweep import new_sweep

    asked = {"patience": settings.patience, "tensorboard": settings.tensorboard}
    out, saving, varied = settings.out, settings.checkpoints, _read(settings.vary or [])
    try:
        return new_sweep(recipe, varied, parameters, out=out, checkpoints=saving, asked=asked)
    except RecipeError as error:
        raise WrongUse(f"--vary: {error}") from None


def _read(given: Sequence[str]) -> dict[str, list[str]]:
    """The values by parameter, as texts. Raises `WrongUse`."""
    from stepwell.recipes.grid import split_values

    if not given:
        raise WrongUse(f"What is to be varied? Name a parameter and its values, such as {_EXAMPLE}")
    varied: dict[str, list[str]] = {}
    for each in given:
        written, equals, values = each.partition("=")
        name = written.strip().lstrip("-").replace("-", "_")
        if not equals or not name:
            raise WrongUse(f"--vary {each}: a parameter, = and its values are due, such as {_EXAMPLE}")
        if name in varied:
            raise WrongUse(f"--vary {name} is given twice. Give all of its values at once, such as {_EXAMPLE}")
        varied[name] = split_values(values)
    return varied
