"""A trained model as a server and an export need it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.core.modules import call_model
from stepwell.core.trees import Tree, attach_tensors, between, detach_tensors
from stepwell.data.reader import Reader
from stepwell.deploy.calls import Numbers
from stepwell.deploy.card import Array, Card
from stepwell.tasks.base import Task

ALONE = "input"
"""The name of an input that is no part of a tree."""

ANSWER = "output"
"""The name of an output that is no part of a tree: probabilities or values."""

Explain = Callable[["Servable", Tree], dict[str, Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Servable:
    """A model with all that it needs to answer: its `card`, the `task`, the `reader` of files if it has one, up to sixteen
    held-out rows as its inputs (`examples`), the same as their file has them (`raw`), and what
    explains an answer.

    The model is in eval mode and takes no gradients.
    """

    card: Card
    model: nn.Module
    task: Task
    examples: Tree
    reader: Reader | None = None
    raw: Sequence[Mapping[str, Any]] = ()
    explain: Explain | None = None

    def inputs_of(self, arrays: Mapping[str, Numbers]) -> Tree:
        """Arrays by the names of the card's inputs as the tree of tensors that the model takes; they share memory."""
        found = {name: torch.from_numpy(array) for name, array in arrays.items()}
        if list(found) == [ALONE]:
            return found[ALONE]
        return attach_tensors(detach_tensors(self.examples)[0], found)

    def outputs(self, inputs: Tree) -> Tree:
        """The model's raw outputs for rows of inputs, such as logits; the task says what they mean."""
        with torch.inference_mode():
            return call_model(self.model, inputs)


def named_arrays(tree: Tree, alone: str = ALONE) -> dict[str, Tensor]:
    """The tensors of a tree by dotted names; one that is no part of a tree is named `alone`."""
    return {alone: tree} if isinstance(tree, Tensor) else detach_tensors(tree)[1]


def arrays_of(tree: Tree, alone: str = ALONE) -> tuple[Array, ...]:
    """What a card says of a tree of rows."""
    found = named_arrays(tree, alone)
    return tuple(Array(name, str(tensor.numpy().dtype), tuple(tensor.shape[1:])) for name, tensor in found.items())


def output_arrays(model: nn.Module, task: Task, examples: Tree) -> tuple[Array, ...]:
    """What a card says of the predictions that a task makes of a model's outputs."""
    with torch.inference_mode():
        return arrays_of(task.predict(call_model(model, between(examples, 0, 1))), ANSWER)


def as_numpy(tree: Tree, alone: str = ANSWER) -> dict[str, Numbers]:
    """The tensors of a tree as arrays, by name; bf16 as float32."""
    return {name: _numpy(tensor) for name, tensor in named_arrays(tree, alone).items()}


def _numpy(tensor: Tensor) -> Numbers:
    plain = tensor.detach().cpu()
    return np.ascontiguousarray((plain.float() if plain.dtype == torch.bfloat16 else plain).numpy())
