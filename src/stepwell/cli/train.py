"""`stepwell train`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.app import invoke
from stepwell.cli.console import starting
from stepwell.cli.failures import Stopped
from stepwell.cli.settings import TrainSettings

if TYPE_CHECKING:
    from stepwell.training.world import World

RECIPE = typer.Argument(help="a name of `stepwell list`, or your own: path/to/file.py:function", metavar="RECIPE")
_WITH_FLAGS = typer.Argument(help=RECIPE.help, metavar="RECIPE [FLAGS]")


def train(context: typer.Context, recipe: Annotated[str, _WITH_FLAGS]) -> int:
    """Train a recipe as a new run.

    The flags come from the recipe's signature: `stepwell train RECIPE --help` shows them.
    """
    with starting():
        from stepwell.cli.flags import Command
        from stepwell.cli.runs import find_recipe

        found = find_recipe(recipe)

    def use(parameters: dict[str, Any], settings: TrainSettings) -> None:
        from stepwell.cli.sitting import Sitting, tell
        from stepwell.recipes import launch, values

        sitting = Sitting.of(settings.patience, settings.tensorboard)
        with joined() as world, stopping(sitting.stopped):
            launched = launch.train(
                found,
                {name: values.plain(value) for name, value in parameters.items()},
                out=settings.out,
                hooks=sitting.hooks,
                checkpoints=settings.checkpoints,
                world=world,
            )
            tell(launched)

    return invoke(Command(found, TrainSettings, use, {}).app(), context.args, f"stepwell train {recipe}")


@contextmanager
def joined() -> "Iterator[World]":
    """The processes that torchrun started; they part in the end."""
    from torch import distributed

    from stepwell.training.world import join_world

    try:
        yield join_world()
    finally:
        if distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()


@contextmanager
def stopping(message: Callable[[], str]) -> Iterator[None]:
    """Turn Ctrl-C into `Stopped` with a message."""
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(message()) from None
