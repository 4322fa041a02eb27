"""From a run to what is served and exported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from stepwell.core.errors import RunError
from stepwell.data.reader import Reader
from stepwell.deploy.card import Card, Kind
from stepwell.deploy.servable import Servable, arrays_of, output_arrays
from stepwell.recipes.examples import Examples, pick, read_examples
from stepwell.recipes.explaining import explain
from stepwell.recipes.forms import FILES, form_of
from stepwell.recipes.launch import rebuild
from stepwell.recipes.predictor import load_predictor
from stepwell.recipes.recipe import load
from stepwell.recipes.status import check_trained
from stepwell.runs import Run, open_run
from stepwell.tasks import Binary, Captioning, Multiclass, Translation
from stepwell.tasks.base import Task
from stepwell.tasks.side_heads import main_task
from stepwell.training.state import load_model


def load_servable(run: Run, which: str | int = "best", name: str | None = None) -> Servable:
    """A run's model with the weights of a checkpoint, as a server or an export needs it; `name` is what it goes by (the run's).

    A run whose recipe reads files needs its training data no more. Raises `RunError` for a run that was not trained, or that
    makes pictures or captions instead of answers, `CheckpointError` for a damaged checkpoint.
    """
    check_trained(run)
    if run.read("reader.json") is None and not run.facts.get("recipe"):
        raise RunError(
            f"{run.folder} was not made by a recipe, so its model cannot be built again. Write a recipe for it."
        )
    model, task, reader = _parts(run, which)
    _refuse(run, task)
    model = model.cpu().eval().requires_grad_(False)
    examples = _examples(run)
    outputs = output_arrays(model, task, examples.inputs)
    card = _card(run, name or run.name, reader, examples, task, outputs, which)
    return Servable(
        card=card, model=model, task=task, reader=reader, examples=examples.inputs, raw=examples.raw, explain=explain
    )


def _refuse(run: Run, task: Task) -> None:
    """Raise `RunError` for answers that are no numbers a row, with the command that gives them."""
    if isinstance(task, Translation):
        raise RunError(
            f"{run.name} makes pictures of pictures, which are no answers to serve or export. Use: stepwell translate PHOTO "
            f"--weights {run.folder}"
        )
    if isinstance(task, Captioning):
        raise RunError(
            f"{run.name} says captions word by word, which are no answers to serve or export. Use: stepwell predict"
            f" {run.folder} PHOTO"
        )


def load_named(plain: Mapping[str, Any]) -> Servable:
    """The same, of plain data: `folder`, `checkpoint` and `name`; for worker processes."""
    return load_servable(open_run(Path(plain["folder"])), plain["checkpoint"], plain["name"])


def _parts(run: Run, which: str | int) -> tuple[nn.Module, Task, Reader | None]:
    if run.read("reader.json") is not None:
        found = load_predictor(run, which)
        return found.model, found.task, found.reader
    # The weights are the checkpoint's, whatever became of the data, so its fingerprint need not be the same.
    experiment = load(run.facts["recipe"]).build(run.facts["parameters"], begun=True)
    load_model(experiment.model, run.read_checkpoint(which))
    return experiment.model, experiment.task, None


def _examples(run: Run) -> Examples:
    """What the run keeps; of an older one, what its data, if it is still there, gives."""
    found = read_examples(run) or pick(rebuild(run))
    if found is None:
        raise RunError(
            f"{run.name} keeps no rows to try it with, since its data came from a DataLoader. Train it from a Source."
        )
    return found


def _card(
    run: Run, name: str, reader: Reader | None, examples: Examples, task: Task, outputs: Any, which: str | int
) -> Card:
    kind: Kind = reader.kind if reader is not None else "arrays"  # type: ignore[assignment]
    return Card(
        name=name,
        title=run.name,
        kind=kind,
        inputs=arrays_of(examples.inputs),
        outputs=outputs,
        classes=_classes(task),
        files=FILES.get(kind, ()),
        form=form_of(reader, examples.inputs),
        examples=examples.names,
        version=str(run.read_checkpoint(which).step),
        threshold=_threshold(task),
    )


def _threshold(task: Task) -> float:
    """The probability from which a task of two classes says the second."""
    inner = main_task(task)
    return inner.threshold if isinstance(inner, Binary) else 0.5


def _classes(task: Task) -> tuple[str, ...]:
    """The names that the task has for its classes; none for other tasks."""
    inner = main_task(task)
    if isinstance(inner, Multiclass):
        return inner.names
    return tuple(inner.classes) if isinstance(inner, Binary) else ()
