"""Freezing: layers that a training leaves as they are, normalisations included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

from torch import nn

from stepwell.core.errors import ModelError, suggest
from stepwell.models.heads import heads_of


class Held(nn.Module):
    """A module that stays in eval mode, whatever mode its model is put into; what lies in it follows the model."""

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode."""
        super().train(mode)
        self.training = False
        return self


class FrozenBatchNorm1d(Held, nn.BatchNorm1d):
    """A `BatchNorm1d` that stays in eval mode, whatever mode its model is put into."""


class FrozenBatchNorm2d(Held, nn.BatchNorm2d):
    """A `BatchNorm2d` that stays in eval mode, whatever mode its model is put into."""


class FrozenBatchNorm3d(Held, nn.BatchNorm3d):
    """A `BatchNorm3d` that stays in eval mode, whatever mode its model is put into."""


_NAMED: Mapping[type[nn.Module], type[Held]] = {
    nn.BatchNorm1d: FrozenBatchNorm1d,
    nn.BatchNorm2d: FrozenBatchNorm2d,
    nn.BatchNorm3d: FrozenBatchNorm3d,
}


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """What freezing left: the numbers of parameters that learn and that do not, and the normalisations held in eval mode."""

    trainable: int
    frozen: int
    held: tuple[str, ...]


def freeze(model: nn.Module, but: Sequence[str] | None = None) -> Frozen:
    """Let nothing of the model learn but the layers named in `but` (dotted names; default: its head layers).

    A normalisation has two kinds of numbers: weights, which gradients change, and running statistics, which every batch in
    training mode changes, frozen weights or not. A body whose statistics drift towards the new pictures is no longer the one
    that was published, gives other features in training than in evaluation, and other ones after every epoch. So the
    normalisations of the frozen part stay in eval mode, also when `fit` puts the model into training mode: each becomes one
    of a class that refuses it, and stays the same object, hooks included. That goes for whatever has running statistics
    (buffers `running_…`): those of batches and instances, in one process or several, and subclasses. Dropout is left alone.

    It may be called again with other names, and turns the rest back. Make the optimizer afterwards. Raises `ModelError` for
    a name that the model has not, and without `but` for a network that `stepwell.models.HEADS` does not name. Source:
    Godoy, rows S7.1 to S7.3 and S7.11.
    """
    kept = heads_of(model) if but is None else tuple(but)
    _check(model, kept)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(_within(name, kept))
    _hold(model, kept)
    return Frozen(
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        frozen=sum(p.numel() for p in model.parameters() if not p.requires_grad),
        held=tuple(name for name, module in model.named_modules() if isinstance(module, Held)),
    )


def unfreeze(model: nn.Module) -> None:
    """Let all of the model learn again, and its normalisations follow the model's mode."""
    freeze(model, but=("",))
    model.train(model.training)


def trainable(model: nn.Module) -> int:
    """The number of parameters that learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _check(model: nn.Module, names: Sequence[str]) -> None:
    known = {name for name, _ in (*model.named_modules(), *model.named_parameters())}
    for name in names:
        if name not in known:
            shown = ", ".join(sorted(each for each in known if each and "." not in each))
            raise ModelError(
                f"{type(model).__name__} has no layer {name!r} to leave free; its own are {shown}.{suggest(name, known)}"
            )


def _within(name: str, kept: Sequence[str]) -> bool:
    return any(name == each or not each or name.startswith(f"{each}.") for each in kept)


def _hold(model: nn.Module, kept: Sequence[str]) -> None:
    """Hold the modules with running statistics outside of `kept`, and let go of those within."""
    for name, module in model.named_modules():
        free = _within(name, kept)
        if isinstance(module, Held) and free:
            _become(module, type(module).__bases__[1])
        elif not isinstance(module, Held) and not free and _has_statistics(module):
            _become(module, _held_kind(type(module)))  # type: ignore[arg-type]  # classes are hashable
            module.train(module.training)


def _has_statistics(module: nn.Module) -> bool:
    """Whether a module itself has running statistics, by the names of torch's: `running_mean`, `running_var`."""
    own = dict(module.named_buffers(recurse=False))
    return any(name.startswith("running_") for name in own)


@cache
def _held_kind(kind: type[nn.Module]) -> type[nn.Module]:
    """The class of modules of a kind that are held."""
    return _NAMED.get(kind) or type(f"Frozen{kind.__name__}", (Held, kind), {"__module__": __name__})


def _become(module: nn.Module, kind: type[nn.Module]) -> None:
    """Give a module another class: it stays the same object, with its tensors, hooks and whatever else was put on it."""
    module.__class__ = kind
