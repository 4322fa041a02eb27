"""From a recipe to a run: train, go on, rebuild, evaluate and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.core.errors import RunError
from stepwell.recipes.facts import data_fingerprint, describe
from stepwell.recipes.finish import finish
from stepwell.recipes.recipe import Recipe, load
from stepwell.recipes.status import GoingOn, status
from stepwell.recipes.values import plain
from stepwell.runs import Run, Snapshot, create_run
from stepwell.runs.environment import environment
from stepwell.training.evaluation import Evaluation
from stepwell.training.experiment import Experiment
from stepwell.training.fit import fit
from stepwell.training.hooks import Checkpoints, History, Hook
from stepwell.training.state import load_model
from stepwell.training.training import Training
from stepwell.training.trials import Variant
from stepwell.training.variants import under
from stepwell.training.world import SOLO, World


@dataclass(frozen=True)
class Launched:
    """A training and what it came to; the run and the evaluation are None in processes that do not lead."""

    run: Run | None
    training: Training
    evaluation: Evaluation | None


def train(
    recipe: Recipe,
    parameters: Mapping[str, Any],
    *,
    out: str = "runs",
    hooks: Sequence[Hook] = (),
    checkpoints: Mapping[str, Any] | None = None,
    world: World = SOLO,
) -> Launched:
    """Train a recipe's experiment as a new run in the folder `out`.

    `checkpoints` are settings of the `Checkpoints` hook, which a resumed run keeps.
    """
    experiment = recipe.build(parameters)
    kept = dict(checkpoints or {})
    settings = {
        "recipe": recipe.target,
        "parameters": recipe.kept(parameters),
        "arguments": recipe.arguments,
        "defaults": {name: plain(value) for name, value in recipe.defaults.items()},
        "checkpoints": kept,
    }
    run = new_run(out, recipe.name, experiment, settings) if world.leads else None
    return _carry_out(run, experiment, [*hooks, Checkpoints(run, **kept)], world)


def resume(
    run: Run,
    *,
    which: str | int = "last",
    changes: Mapping[str, Any] | None = None,
    hooks: Sequence[Hook] = (),
    world: World = SOLO,
) -> Launched:
    """Go on with a run from a checkpoint, to the end of its budget.

    `changes` are parameters that differ from now on, such as a larger number of epochs. A run that was ended before its
    first checkpoint starts again. Raises `CheckpointError` where the checkpoint is damaged, `RunError` where the data is
    not what it was.
    """
    parameters = {**run.facts["parameters"], **(changes or {})}
    experiment = rebuild(run, parameters)
    snapshot = run.read_checkpoint(which) if run.checkpoints() else None
    if world.leads and snapshot is None:
        run.rewind(0)
    leading = run if world.leads else None
    saving = Checkpoints(leading, **run.facts.get("checkpoints", {}))
    return _carry_out(
        leading, experiment, [GoingOn(load(run.facts["recipe"]).kept(parameters)), *hooks, saving], world, snapshot
    )


def rebuild(run: Run, parameters: Mapping[str, Any] | None = None) -> Experiment:
    """The experiment of a run, from its recipe and parameters, with the recipe's initial weights.

    `load_weights` gives it those of a checkpoint; where the run has one, published weights that it began with are left out.
    Raises `RunError` where the run was not made by a recipe, or where the
    training rows have changed since.
    """
    if "recipe" not in run.facts:
        raise RunError(
            f"{run.folder} was not made by a recipe, so it cannot be rebuilt. Build its experiment in Python."
        )
    given = run.facts["parameters"] if parameters is None else parameters
    experiment = load(run.facts["recipe"]).build(given, begun=bool(run.checkpoints()))
    then, now = run.facts.get("data", {}).get("fingerprint"), data_fingerprint(experiment.data)
    if then != now and None not in (then, now):
        raise RunError(
            f"The training rows are not those that {run.name} was trained on (fingerprint {then[:12]} then, {now[:12]}"  # type: ignore[index]
            " now). Bring the data back as it was, or train a new run."
        )
    measured = run.facts.get("variant")
    return under(experiment, Variant(**measured["variant"])) if measured else experiment


def load_weights(run: Run, experiment: Experiment, which: str | int = "best") -> None:
    """Give an experiment's model the weights of a run's checkpoint."""
    load_model(experiment.model, run.read_checkpoint(which))


def new_run(out: str, name: str, experiment: Experiment, settings: Mapping[str, Any]) -> Run:
    """A new run folder with the facts of an experiment, and the rows of its split, in it."""
    run = create_run(out, name, {**settings, "seed": experiment.seed, **describe(experiment), **environment()})
    if experiment.data.split is not None:
        run.write("split.json", experiment.data.split.to_json())
    if experiment.reader is not None:
        run.write("reader.json", {"kind": experiment.reader.kind, **experiment.reader.to_json()})
    return run


def _carry_out(
    run: Run | None, experiment: Experiment, hooks: Sequence[Hook], world: World, snapshot: Snapshot | None = None
) -> Launched:
    if run is None:
        return Launched(None, fit(experiment, None, hooks, resume=snapshot, world=world), None)
    with status(run):
        training = fit(experiment, run, [History(run), *hooks], resume=snapshot, world=world)
    finished = {"steps": training.step, "epochs": training.epochs, "seconds": round(training.seconds, 3)}
    run.update(status="done", stopped=training.stop_reason, finished=finished)
    return Launched(run, training, finish(run, training.experiment))
