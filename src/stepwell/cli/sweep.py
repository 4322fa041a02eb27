"""`stepwell sweep`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.app import invoke
from stepwell.cli.console import command, fail, say, show, starting, suggest_next, table, warn
from stepwell.cli.failures import DONE, FAILED, WrongUse
from stepwell.cli.settings import TrainSettings
from stepwell.cli.train import stopping

if TYPE_CHECKING:
    from stepwell.recipes.member import Member
    from stepwell.recipes.recipe import Recipe
    from stepwell.recipes.sweep import Sweep
    from stepwell.reports.trials import Trial
    from stepwell.training.hooks import Hook

_WITH_FLAGS = typer.Argument(
    help="a name of `stepwell list`, your own path/to/file.py:function, or the folder of a sweep to go on with",
    metavar="RECIPE [FLAGS]",
)
_VARY = typer.Option(
    help="a parameter and its values, layers=0,1,2; blanks separate values that hold commas, 'hidden=64 64,32'."
    " Give it again for each parameter: all combinations are trained",
    metavar="parameter=values",
)


@dataclass(frozen=True)
class SweepSettings(TrainSettings):
    """What is varied, and how the runs are kept."""

    vary: Annotated[list[str] | None, _VARY] = None


def sweep(context: typer.Context, recipe: Annotated[str, _WITH_FLAGS]) -> int:
    """Train a recipe with every combination of some parameters' values, and compare them.

    `--vary layers=0,1,2 --vary seed=0,1,2` makes nine runs; over seeds, means and standard errors are given. The other
    flags are the recipe's: `stepwell sweep RECIPE --help` shows them. `stepwell sweep FOLDER` goes on where one was stopped.
    """
    with starting():
        from stepwell.cli.flags import Command
        from stepwell.cli.runs import find_recipe
        from stepwell.recipes.sweep import FILE, open_sweep

        folder = next((path for path in (Path(recipe), Path("runs") / recipe) if (path / FILE).exists()), None)
        if folder is None:
            found = find_recipe(recipe)
    if folder is not None:
        if context.args:
            raise WrongUse(f"A sweep goes on as it was begun, without flags:\n  {command('sweep', folder)}")
        return _carry_out(open_sweep(folder))

    def use(parameters: dict[str, Any], settings: SweepSettings) -> int:
        return _carry_out(_begin(found, parameters, settings))

    return invoke(Command(found, SweepSettings, use, {}).app(), context.args, f"stepwell sweep {recipe}")


def _begin(recipe: "Recipe", parameters: Mapping[str, Any], settings: SweepSettings) -> "Sweep":
    """The folder of a new sweep. Raises `WrongUse` for a `--vary` that cannot be meant."""
    from stepwell.core.errors import RecipeError
    from stepwell.recipes.sweep import new_sweep

    asked = {"patience": settings.patience, "tensorboard": settings.tensorboard}
    varied = _read(settings.vary or [])
    try:
        return new_sweep(
            recipe, varied, parameters, out=settings.out, checkpoints=settings.checkpoints, asked=asked
        )
    except RecipeError as error:
        raise WrongUse(f"--vary: {error}") from None


def _read(given: Sequence[str]) -> dict[str, list[str]]:
    """The values by parameter. Raises `WrongUse`."""
    from stepwell.recipes.grid import split_values

    if not given:
        raise WrongUse("What is to be varied? Say it with --vary parameter=value,value, such as --vary seed=0,1,2")
    varied: dict[str, list[str]] = {}
    for each in given:
        written, equals, values = each.partition("=")
        name = written.strip().lstrip("-").replace("-", "_")
        if not equals or not name:
            raise WrongUse(f"--vary {each}: a parameter and its values are due, such as --vary seed=0,1,2")
        if name in varied:
            raise WrongUse(f"--vary gives {written} twice. Give all of its values at once: {written}=value,value")
        varied[name] = split_values(values)
    return varied


def _carry_out(sweep: "Sweep") -> int:
    from stepwell.cli.runs import relative
    from stepwell.reports.trials import written

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise WrongUse("A sweep trains one run after another in one process. Start it without torchrun.")
    members, folder = sweep.members, relative(sweep.folder)
    grid = " × ".join(f"{n.replace('_', ' ')} {', '.join(map(written, v))}" for n, v in sweep.varied.items())
    done = sum(member.whole for member in members)
    say(f"{len(members)} runs, in {folder}: {grid}{f'; {done} are done already' if done else ''}", style="dim")
    with stopping(lambda: _stopped(sweep)):
        ended = list(sweep.train(_announcing(members, sweep.asked)))
    return _tell(sweep, [member.trial for member in ended])


def _stopped(sweep: "Sweep") -> str:
    from stepwell.cli.runs import relative

    members = sweep.members
    done = sum(member.whole for member in members)
    return f"Stopped; {done} of {len(members)} runs are done. Go on with:\n  {command('sweep', relative(sweep.folder))}"


def _announcing(members: Sequence["Member"], asked: Mapping[str, Any]) -> "Callable[[Member], Sequence[Hook]]":
    """Makes the hooks of a member, and says that its turn has come."""
    from stepwell.cli.sitting import Sitting
    from stepwell.reports.trials import named

    order = [member.varied for member in members]

    def hooks(member: "Member") -> "Sequence[Hook]":
        say(f"\n{order.index(member.varied) + 1} of {len(order)}: {named(member.varied)}", style="bold")
        return [hook for hook in Sitting.of(**asked).hooks if not isinstance(hook, Begin)]

    return hooks
