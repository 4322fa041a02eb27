"""`stepwell show`."""

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.app import invoke
from stepwell.cli.console import command, facts, say, show, starting, suggest_next, table
from stepwell.cli.failures import DONE
from stepwell.cli.train import RECIPE

if TYPE_CHECKING:
    from stepwell.core.trees import Tree
    from stepwell.recipes.recipe import Parameter, Recipe
    from stepwell.training.experiment import Experiment


_WITH_FLAGS = typer.Argument(help=RECIPE.help, metavar="RECIPE [FLAGS]")


@dataclass(frozen=True)
class _NoSettings:
    """`show` takes no flags but the recipe's."""


def show_recipe(context: typer.Context, recipe: Annotated[str, _WITH_FLAGS]) -> int:
    """Show a recipe: its parameters, data and layers.

    With flags, as `train` takes them, the data and the layers are those of these flags: `stepwell show images FOLDER`.
    """
    with starting():
        from stepwell.cli.flags import Command, check
        from stepwell.cli.runs import find_recipe

        found = find_recipe(recipe)
        check(found)
        required = [name for name, one in found.parameters.items() if one.default is inspect.Parameter.empty]
        if context.args:
            train_it = command("train", recipe, *context.args)
            using = Command(found, _NoSettings, lambda parameters, _: _show_given(found, parameters, train_it), {})
            return invoke(using.app(), context.args, f"stepwell show {recipe}")
        experiment = None if required else found.build({})
    say(found.name, style="bold")
    say(found.summary)
    _show_parameters(found)
    if experiment is None:
        say(
            f"\nIts data and layers depend on {', '.join(required)}, so they are not shown. Give that to see them.",
            style="dim",
        )
    else:
        _show_experiment(experiment)
    due = [_spelt(found, found.parameters[name]) for name in required]
    missing = "".join(f" {one} …" if one.startswith("-") else f" {one}" for one in due)
    suggest_next([(command("train", recipe) + missing, "train it")])
    return DONE


def _show_given(recipe: "Recipe", parameters: dict[str, Any], train_it: str) -> int:
    """The data and the layers that a recipe makes of parameters."""
    from stepwell.recipes.values import plain

    experiment = recipe.build({name: plain(value) for name, value in parameters.items()})
    say(recipe.name, style="bold")
    say(recipe.summary)
    _show_experiment(experiment)
    suggest_next([(train_it, "train it")])
    return DONE


def _show_parameters(recipe: "Recipe") -> None:
    from stepwell.recipes.values import describe, text

    rows = [
        (
            _spelt(recipe, one),
            describe(one.type),
            "" if one.default is inspect.Parameter.empty else text(one.default),
            one.help,
        )
        for one in recipe.parameters.values()
    ]
    say("\nParameters", style="dim")
    show(table(("flag", "type", "default", "what it is"), rows))


def _spelt(recipe: "Recipe", parameter: "Parameter") -> str:
    from stepwell.cli.flags import flag_name

    return parameter.name.upper() if parameter.name in recipe.arguments else flag_name(parameter)


def _show_experiment(experiment: "Experiment") -> None:
    from stepwell.models.describe import layers
    from stepwell.training.batches import train_batches
    from stepwell.training.world import SOLO

    batch = next(iter(train_batches(experiment, SOLO).epoch(0)))
    say("\nData", style="dim")
    facts(_data_facts(experiment, batch.inputs, batch.targets))
    found = layers(experiment.model, batch.inputs)
    rows = [(one.name or "(the model)", one.kind, _shapes(one.shapes), f"{one.parameters:,}") for one in found]
    say(f"\nLayers of {type(experiment.model).__name__}, for a batch of {len(batch.index)} rows", style="dim")
    show(table(("layer", "kind", "output shape", "parameters"), rows, right=("parameters",)))
    parameters = list(experiment.model.parameters())
    total, trained = sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad)
    say(f"{total:,} parameters" + (f", {trained:,} of them trained" if trained < total else ""))


def _data_facts(experiment: "Experiment", inputs: "Tree", targets: "Tree") -> list[tuple[str, Any]]:
    data = experiment.data
    sides = {"train": "training", "val": "validation", "test": "test"}
    there = {name: getattr(data, side) for side, name in sides.items() if getattr(data, side) is not None}
    split = data.split.how if data.split is not None else "given"
    return [
        (
            "rows",
            ", ".join(f"{len(rows):,} {name}" if hasattr(rows, "__len__") else name for name, rows in there.items()),
        ),
        ("split", split),
        ("inputs", _of_a_row(inputs)),
        ("targets", _of_a_row(targets)),
        ("task", type(experiment.task).__name__),
        ("optimizer", type(experiment.made_optimizer).__name__),
    ]


def _of_a_row(tree: "Tree") -> str:
    """The shape and type of a row of each tensor."""
    from stepwell.core.trees import tensors

    kinds = [
        (_shapes((tuple(tensor.shape[1:]),)) or "one number", str(tensor.dtype).removeprefix("torch."))
        for tensor in tensors(tree)
    ]
    return "; ".join(f"{shape}, {kind}" for shape, kind in kinds) or "none"


def _shapes(shapes: tuple[tuple[int, ...], ...]) -> str:
    return "; ".join("×".join(map(str, shape)) for shape in shapes)
