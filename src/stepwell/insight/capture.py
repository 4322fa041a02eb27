"""What passes through a model's layers while it runs: their outputs, their parameters, and the gradients of both."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from stepwell.core.errors import ModelError, suggest
from stepwell.core.layers import Choice, choose, listed
from stepwell.core.trees import Tree, map_tensors, tensors

Of = Literal["outputs", "gradients", "parameters", "output_gradients"]


class Captured:
    """What was captured, by name, in the order in which the names came up; each name has a list, one entry a pass.

    Outputs have their layer's name; a layer that is called again within one pass of the model gives `relu#2`, `relu#3`.
    Parameters and their gradients have their own: `fc1.weight`. Looking up a name that nothing was captured under raises
    `ModelError`, and says whether the layer was not reached or is not known. What was captured stays when the context ends.
    """

    def __init__(self, chosen: Sequence[str]) -> None:
        self.chosen = tuple(chosen)
        self._found: dict[str, list[Tree]] = {}

    def __getitem__(self, name: str) -> list[Tree]:
        if name in self._found:
            return self._found[name]
        if name in self.chosen:
            raise ModelError(f"Nothing was captured of {name!r}: the model did not come by it while it was watched.")
        raise ModelError(
            f"Nothing was captured of {name!r}; there is {listed(self._found)}.{suggest(name, self._found)}"
        )

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def items(self) -> list[tuple[str, list[Tree]]]:
        """Every name with its list."""
        return list(self._found.items())

    def last(self, name: str) -> Tree:
        """What came last under a name."""
        return self[name][-1]

    def joined(self, name: str) -> Tensor:
        """All passes of a name one behind the other, along the batch. Raises `ModelError` for what is no tensor."""
        found = self[name]
        if not all(isinstance(each, Tensor) and each.dim() for each in found):
            raise ModelError(
                f"What {name!r} gave cannot be joined: it is not one tensor with a batch dimension a pass."
            )
        return torch.cat(found)

    @property
    def unreached(self) -> tuple[str, ...]:
        """The chosen layers (or parameters) that nothing was captured of."""
        return tuple(name for name in self.chosen if name not in self._found)

    def add(self, name: str, value: Tree) -> None:
        """Put a value behind those of its name."""
        self._found.setdefault(name, []).append(value)


@contextmanager
def capture(
    model: nn.Module, layers: Choice | Sequence[Choice] = "*", of: Of = "outputs", *, detached: bool = True
) -> Iterator[Captured]:
    """Watch layers of a model while the context is open.

    `with capture(model, "conv*") as seen: model(x)` leaves what the convolutions gave in `seen["conv1"][0]`, and so on.

    `layers` are names, patterns or kinds; patterns and kinds find layers without children, or with parameters of their
    own, a plain name finds any module. `of` says what is kept:

    * `outputs`: what each layer gives, a tensor or a tree of them, at every pass;
    * `parameters`: the layers' parameters before every pass that autograd watches, so before each update of a training;
    * `gradients`: the gradients of the layers' parameters, at every backward pass;
    * `output_gradients`: those of the layers' outputs.

    Values are detached copies on the CPU. With `detached=False` outputs keep their graph and their device, as
    `torch.autograd.grad` wants them, also where the next layer works in place. The hooks change no result, and are removed
    when the context ends, by an error, too. Call the model, not its `forward`, which runs no hooks. Raises `ModelError` for a
    layer that the model has not. Source: Godoy, volume I, chapters 5 and 6 (book rows S29, S34, S36).
    """
    chosen = choose(model, layers)
    watch = {"outputs": _outputs, "output_gradients": _outputs, "parameters": _parameters, "gradients": _gradients}
    if of not in watch:
        raise ModelError(f"There is no capture of {of!r}; known: {', '.join(watch)}.{suggest(of, watch)}")
    with ExitStack() as hooks:
        yield watch[of](model, chosen, _kept(detached), of, hooks)


def _kept(detached: bool) -> Callable[[Tensor], Tensor]:
    return (lambda tensor: tensor.detach().to("cpu", copy=True)) if detached else (lambda tensor: tensor)


def _outputs(
    model: nn.Module, chosen: dict[str, nn.Module], keep: Callable[[Tensor], Tensor], of: Of, hooks: ExitStack
) -> Captured:
    """Watch calls. Of outputs that stay alive the next layer gets a copy, which it may change in place."""
    seen, counts = Captured(list(chosen)), dict[str, int]()

    def called(name: str, module: nn.Module, inputs: Any, result: Tree) -> Tree:
        counts[name] = counts.get(name, 0) + 1
        label = name if counts[name] == 1 else f"{name}#{counts[name]}"
        if of == "output_gradients":
            for tensor in tensors(result):
                if tensor.requires_grad:
                    _watch_gradient(tensor, seen, label, keep, hooks)
            return None
        seen.add(label, map_tensors(keep, result))
        alive = any(kept is given for kept, given in zip(tensors(seen.last(label)), tensors(result), strict=True))
        return map_tensors(torch.clone, result) if alive else None

    hooks.callback(model.register_forward_pre_hook(lambda *_: counts.clear(), prepend=True).remove)
    for name, module in chosen.items():
        hooks.callback(module.register_forward_hook(partial(called, name)).remove)
    return seen


def _parameters(
    model: nn.Module, chosen: dict[str, nn.Module], keep: Callable[[Tensor], Tensor], of: Of, hooks: ExitStack
) -> Captured:
    named = _parameters_of(chosen)
    seen = Captured(list(named))

    def begins(*_: Any) -> None:
        for name, parameter in named.items() if torch.is_grad_enabled() else ():
            seen.add(name, keep(parameter.detach().clone()))

    hooks.callback(model.register_forward_pre_hook(begins).remove)
    return seen


def _gradients(
    model: nn.Module, chosen: dict[str, nn.Module], keep: Callable[[Tensor], Tensor], of: Of, hooks: ExitStack
) -> Captured:
    named = {name: each for name, each in _parameters_of(chosen).items() if each.requires_grad}
    seen = Captured(list(named))
    for name, parameter in named.items():
        _watch_gradient(parameter, seen, name, keep, hooks)
    return seen


def _parameters_of(chosen: dict[str, nn.Module]) -> dict[str, nn.Parameter]:
    """The parameters of layers and of what is in them, each once."""
    named: dict[int, tuple[str, nn.Parameter]] = {}
    for layer, module in chosen.items():
        for name, parameter in module.named_parameters(prefix=layer):
            named.setdefault(id(parameter), (name, parameter))
    return dict(named.values())


def _watch_gradient(
    tensor: Tensor, seen: Captured, name: str, keep: Callable[[Tensor], Tensor], hooks: ExitStack
) -> None:
    def came(gradient: Tensor) -> None:  # a hook that returned something would change the gradient
        seen.add(name, keep(gradient))

    handle: RemovableHandle = tensor.register_hook(came)  # type: ignore[no-untyped-call]
    hooks.callback(handle.remove)
