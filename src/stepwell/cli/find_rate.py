"""`stepwell find-rate`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.app import invoke
from stepwell.cli.console import console, starting
from stepwell.cli.failures import WrongUse
from stepwell.cli.train import RECIPE, stopping

if TYPE_CHECKING:
    from stepwell.recipes.recipe import Recipe

_WITH_FLAGS = typer.Argument(help=RECIPE.help, metavar="RECIPE [FLAGS]")
_FORMATS = (".png", ".svg", ".pdf")
_START, _END = "learning rate of the first step", "learning rate of the last step"
_STEPS = "how many steps are made, at rates that grow from the first to the last"


@dataclass(frozen=True)
class RangeSettings:
    """Which rates are tried, and where the plot goes (default: `find-rate-RECIPE.png`)."""

    test_start: Annotated[float, typer.Option("--start", help=_START, metavar="rate")] = 1e-6
    test_end: Annotated[float, typer.Option("--end", help=_END, metavar="rate")] = 1.0
    test_steps: Annotated[int, typer.Option("--steps", help=_STEPS, metavar="steps", min=10)] = 100
    out: Annotated[str | None, typer.Option(help=f"the plot's file: {', '.join(_FORMATS)}", metavar="file")] = None


@dataclass(frozen=True)
class LongSettings(RangeSettings):
    """The same under longer names, for recipes that have a `start`, an `end` or `steps` of their own."""

    test_start: Annotated[float, typer.Option("--test-start", help=_START, metavar="rate")] = 1e-6
    test_end: Annotated[float, typer.Option("--test-end", help=_END, metavar="rate")] = 1.0
    test_steps: Annotated[int, typer.Option("--test-steps", help=_STEPS, metavar="steps", min=10)] = 100


def find_rate(context: typer.Context, recipe: Annotated[str, _WITH_FLAGS]) -> int:
    """Find a learning rate: some steps at rates that grow, until the loss breaks.

    Nothing is kept of these steps; the plot shows them. The flags are the recipe's, and --start, --end and --steps (--test-start
    and so on where the recipe has one of these names): `stepwell find-rate RECIPE --help` shows them.
    """
    with starting():
        from stepwell.cli.flags import Command
        from stepwell.cli.runs import find_recipe

        found = find_recipe(recipe)
    own = {"start", "end", "steps"} & set(found.parameters)
    settings = LongSettings if own else RangeSettings
    command = Command(found, settings, lambda given, chosen: _find(recipe, found, given, chosen), {})
    return invoke(command.app(), context.args, f"stepwell find-rate {recipe}")


def _find(typed: str, recipe: "Recipe", parameters: Mapping[str, Any], settings: RangeSettings) -> None:
    out = _checked(settings.out or f"find-rate-{recipe.name}.png")
    with starting():
        from stepwell.cli.rates import Found, tell
        from stepwell.recipes.values import plain
        from stepwell.training.range_test import range_test

        experiment = recipe.build(parameters)
    with stopping(lambda: "Stopped; nothing is kept of the test."), _shown(settings.test_steps) as step:
        start, end, steps = settings.test_start, settings.test_end, settings.test_steps
        seen = range_test(experiment, start=start, end=end, steps=steps, tell=step)
    given = {name: plain(value) for name, value in parameters.items()}
    tell(Found(typed, recipe, given, experiment, seen), out)


def _checked(out: str) -> Path:
    """Where the plot goes. Raises `WrongUse`, before a long test, for a place that it cannot go to."""
    path = Path(out)
    if path.suffix.lower() not in _FORMATS:
        raise WrongUse(f"--out {out}: a plot is written as {', '.join(_FORMATS)}; give a file that ends so.")
    if not path.parent.is_dir():
        raise WrongUse(f"--out {out}: there is no folder {path.parent}. Make it, or give another.")
    return path


@contextmanager
def _shown(steps: int) -> Iterator[Callable[[int, float, float], None]]:
    """Shows on a terminal how far the test is; gives what is to be called after each step."""
    out = console(error=True)
    if not out.is_terminal:
        yield lambda number, rate, loss: None
        return
    with out.status("the first step …", spinner_style="dim") as status:
        yield lambda number, rate, loss: status.update(f"step {number} of {steps}   rate {rate:.2g}   loss {loss:.4g}")
