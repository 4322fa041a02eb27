"""From a recipe to a run: train, go on, rebuild, evaluate and report."""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stepwell.core.errors import CheckpointError, RunError, StepwellError, StepwellWarning
from stepwell.core.devices import device_of
from stepwell.data.batch import Source
from stepwell.data.fingerprint import fingerprint
from stepwell.data.leaks import shared_rows
from stepwell.data.splits import Split, Splits
from stepwell.recipes.recipe import Recipe, load
from stepwell.reports.report import render
from stepwell.runs import Run, create_run
from stepwell.runs.environment import environment
from stepwell.training.evaluation import Evaluation, class_names, evaluate
from stepwell.training.experiment import Experiment
from stepwell.training.fit import fit
from stepwell.training.hooks import Checkpoints, History, Hook
from stepwell.training.training import Training, load_model
from stepwell.training.world import SOLO, World


@dataclass(frozen=True)
class Launched:
    """A run and what it came to."""

    run: Run
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
    """Train a recipe's experiment as a new run in the folder `out`. `checkpoints` are settings of the `Checkpoints` hook."""
    experiment = recipe.build(parameters)
    settings = {"recipe": recipe.target, "parameters": dict(parameters), "checkpoints": dict(checkpoints or {})}
    run = new_run(out, recipe.name, experiment, settings) if world.leads else None
    return _carry_out(run, experiment, hooks, world, resume=None)


def resume(
    run: Run, *, which: str | int = "last", changes: Mapping[str, Any] | None = None, hooks: Sequence[Hook] = (), world: World = SOLO
) -> Launched:
    """Go on with a run from a checkpoint, to the end of its budget. `changes` are parameters that differ from now on, such
    as a larger number of epochs.

    Raises `CheckpointError` where the checkpoint is damaged, `RunError` where the data is not what it was.
    """
    parameters = {**run.facts["parameters"], **(changes or {})}
    experiment = rebuild(run, parameters)
    snapshot = run.read_checkpoint(which) if run.checkpoints() else None
    if snapshot is None:
        run.rewind(0)  # it was ended before its first checkpoint: it starts again, and comes to the same
    if world.leads:
        run.update(parameters=parameters, status="running")
    return _carry_out(run, experiment, hooks, world, resume=snapshot)


def rebuild(run: Run, parameters: Mapping[str, Any] | None = None) -> Experiment:
    """The experiment of a run, from its recipe and parameters, on the very rows that it was split into.

    Its weights are the recipe's initial ones; `load_weights` gives it those of a checkpoint. Raises `RunError` where the
    run was not made by a recipe, or where the data has changed since.
    """
    if "recipe" not in run.facts:
        raise RunError(f"{run.folder} was not made by a recipe, so it cannot be rebuilt. Rebuild its experiment in Python.")
    experiment = load(run.facts["recipe"]).build(run.facts["parameters"] if parameters is None else parameters)
    then, now = run.facts.get("data", {}).get("fingerprint"), data_fingerprint(experiment.data)
    if then is not None and now is not None and then != now:
        raise RunError(
            f"The training rows are not those that {run.name} was trained on (fingerprint {then[:12]} then, {now[:12]} now)."
            " Bring the data back as it was, or train a new run."
        )
    return experiment


def load_weights(run: Run, experiment: Experiment, which: str | int = "best") -> None:
    """Give an experiment's model the weights of a run's checkpoint."""
    load_model(experiment.model, run.read_checkpoint(which))


def new_run(out: str, name: str, experiment: Experiment, settings: Mapping[str, Any]) -> Run:
    """A new run folder with the facts of an experiment in it."""
    run = create_run(out, name, {**settings, "seed": experiment.seed, **describe(experiment), **environment()})
    if experiment.data.split is not None:
        run.write("split.json", experiment.data.split.to_json())
    return run


def describe(experiment: Experiment) -> dict[str, Any]:
    """The facts of an experiment for `run.json`: data, model, task."""
    data, model = experiment.data, experiment.model
    sides = {side: len(getattr(data, side)) for side in ("train", "val", "test") if isinstance(getattr(data, side), Source)}
    leaks = [str(leak) for leak in shared_rows(data)] if _in_memory(data) else []
    return {
        "data": {
            **sides,
            "split": data.split.how if data.split else None,
            "fingerprint": data_fingerprint(data),
            "warnings": leaks,
        },
        "model": {
            "class": type(model).__name__,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "device": str(device_of(model)),
            "layers": str(model).splitlines(),
        },
        "task": {
            "kind": type(experiment.task).__name__,
            "classes": class_names(experiment.task),
            "watch": experiment.task.watch[0],
        },
        "optimizer": _describe_optimizer(experiment),
    }


def _describe_optimizer(experiment: Experiment) -> dict[str, Any]:
    optimizer = experiment.made_optimizer
    plain = (bool, int, float, str)
    chosen = {name: value for name, value in optimizer.defaults.items() if isinstance(value, plain)}
    scheduler = experiment.scheduler
    return {"kind": type(optimizer).__name__, **chosen, "scheduler": type(scheduler).__name__ if scheduler else None}


def _in_memory(data: Splits) -> bool:
    return all(isinstance(side, Source) and side.row_bytes is not None for side in (data.train, data.val) if side is not None)


def data_fingerprint(data: Splits) -> str | None:
    """SHA-256 of the training rows where they lie in memory, else None."""
    return fingerprint(data.train) if isinstance(data.train, Source) and data.train.row_bytes is not None else None


def _carry_out(
    run: Run | None, experiment: Experiment, hooks: Sequence[Hook], world: World, resume: Any
) -> Launched:
    own: list[Hook] = []
    if run is not None and world.leads:
        own = [History(run), Checkpoints(run, **run.facts.get("checkpoints", {}))]
    with _status(run if world.leads else None):
        training = fit(experiment, run, [*hooks, *own], resume=resume, world=world)
    if run is None or not world.leads:
        return Launched(run, training, None)  # type: ignore[arg-type]
    finished = {"steps": training.step, "epochs": training.epochs, "seconds": round(training.seconds, 3)}
    run.update(status="done", stopped=training.stop_reason, finished=finished)
    evaluation = finish(run, experiment)
    return Launched(run, training, evaluation)


def finish(run: Run, experiment: Experiment) -> Evaluation | None:
    """Evaluate a run's best weights, and write its report."""
    load_weights(run, experiment, "best")
    side = "val" if experiment.data.val is not None else "train"
    evaluation = evaluate(experiment, side)
    run.write("evaluation.json", {"split": side, "rows": evaluation.rows, "metrics": evaluation.metrics})
    run.write("report.html", render(run.facts, run.lines("history.jsonl"), run.lines("timing.jsonl"), evaluation))
    return evaluation


@contextmanager
def _status(run: Run | None) -> Iterator[None]:
    """Keep in `run.json` how the training ended, where it did not end well."""
    try:
        yield
    except KeyboardInterrupt:
        if run is not None:
            run.update(status="stopped")
        raise
    except Exception as error:
        if run is not None:
            run.update(status="failed", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise
