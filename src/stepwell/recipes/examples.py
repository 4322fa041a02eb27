"""A few held-out rows that a run keeps, so that it can be served, exported and tried when its data is gone."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from stepwell.core.keys import Key
from stepwell.core.trees import Tree, attach_tensors, detach_tensors, tensors
from stepwell.data.batch import Source
from stepwell.runs import Run
from stepwell.runs.files import read_arrays, write_arrays
from stepwell.tasks import Captioning, Translation
from stepwell.tasks.base import Task
from stepwell.training.experiment import Experiment

_ROWS, _BYTES = 16, 2**23
_FILE, _ARRAYS = "examples.json", "examples.npz"


class Examples(NamedTuple):
    """Rows as a model's `inputs`, what each of them is (`names`), and as people know them (`raw`, where a file has them)."""

    inputs: Tree
    names: tuple[str, ...]
    raw: tuple[dict[str, Any], ...]


def keep_examples(run: Run, experiment: Experiment) -> None:
    """Keep up to sixteen rows, of at most 8 MiB, in the run; nothing where its data is a `DataLoader`, or its answers are
    pictures or captions, which are not served.
    """
    found = None if isinstance(experiment.task, Translation | Captioning) else pick(experiment)
    if found is None:
        return
    plain, arrays = detach_tensors(found.inputs)
    write_arrays(run.folder / _ARRAYS, {name or "": tensor.numpy() for name, tensor in arrays.items()})
    run.write(_FILE, {"inputs": plain, "names": found.names, "raw": found.raw})


def pick(experiment: Experiment) -> Examples | None:
    """Rows spread over the side that was held out; None where its data is a `DataLoader`."""
    sides = (experiment.data.test, experiment.data.val, experiment.data.train)
    source = next(side for side in sides if side is not None)
    if not isinstance(source, Source):
        return None
    one = source.batch(torch.zeros(1, dtype=torch.int64), Key(0)("examples"))
    size = sum(tensor.nbytes for tensor in tensors(one.inputs))
    count = max(1, min(_ROWS, len(source), _BYTES // max(size, 1)))
    batch = source.batch(torch.linspace(0, len(source) - 1, count).long(), Key(0)("examples"))
    return Examples(batch.inputs, _names(experiment.task, batch.targets), _raw(experiment, batch.index))


def _names(task: Task, targets: Tree) -> tuple[str, ...]:
    return tuple(map(task.name_target, targets)) if isinstance(targets, Tensor) else ()


def _raw(experiment: Experiment, index: Tensor) -> tuple[dict[str, Any], ...]:
    """The rows as their file has them; what JSON lacks as text."""
    if experiment.reader is None:
        return ()
    found = [experiment.reader.row(int(number), whole=True) for number in index]
    return tuple({name: _plain(value) for name, value in row.items()} for row in found)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def read_examples(run: Run) -> Examples | None:
    """What a run keeps; None for one that keeps nothing."""
    kept = run.read(_FILE)
    if kept is None:
        return None
    arrays = {name: torch.from_numpy(np.array(array)) for name, array in read_arrays(run.folder / _ARRAYS).items()}
    return Examples(attach_tensors(kept["inputs"], arrays), tuple(kept["names"]), tuple(kept["raw"]))
