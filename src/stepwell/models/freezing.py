"""Freezing: layers that a training leaves as they are, normalisations included."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import nn

from stepwell.core.errors import ModelError, suggest
from stepwell.models.heads import heads_of, set_layer


class FrozenBatchNorm1d(nn.BatchNorm1d):
    """A `BatchNorm1d` that stays in eval mode, whatever mode its model is put into."""

    def train(self, mode: bool = True) -> "FrozenBatchNorm1d":
        """Stay in eval mode."""
        return super().train(False)


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """A `BatchNorm2d` that stays in eval mode, whatever mode its model is put into."""

    def train(self, mode: bool = True) -> "FrozenBatchNorm2d":
        """Stay in eval mode."""
        return super().train(False)


class FrozenBatchNorm3d(nn.BatchNorm3d):
    """A `BatchNorm3d` that stays in eval mode, whatever mode its model is put into."""

    def train(self, mode: bool = True) -> "FrozenBatchNorm3d":
        """Stay in eval mode."""
        return super().train(False)


Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

_FROZEN: dict[type[nn.Module], type[Norm]] = {
    nn.BatchNorm1d: FrozenBatchNorm1d,
    nn.BatchNorm2d: FrozenBatchNorm2d,
    nn.BatchNorm3d: FrozenBatchNorm3d,
}
_THAWED: dict[type[nn.Module], type[Norm]] = {frozen: cast(type[Norm], plain) for plain, frozen in _FROZEN.items()}


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
    of a class that refuses it, with the same name and tensors. Dropout is left alone.

    It may be called again with other names, and turns the rest back. Make the optimizer afterwards. Raises `ModelError` for
    a name that the model has not, and without `but` for a network that `stepwell.models.HEADS` does not name. Source:
    Godoy, rows S7.1 to S7.3 and S7.11.
    """
    kept = heads_of(model) if but is None else tuple(but)
    _check(model, kept)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(_within(name, kept))
    _swap(model, kept)
    return Frozen(
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        frozen=sum(p.numel() for p in model.parameters() if not p.requires_grad),
        held=tuple(name for name, module in model.named_modules() if type(module) in _THAWED),
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


def _swap(model: nn.Module, kept: Sequence[str]) -> None:
    """Hold the normalisations outside of `kept`, and let go of those within; one that is used twice stays one."""
    made: dict[nn.Module, nn.Module] = {}
    for name, module in list(model.named_modules(remove_duplicate=False)):
        kind = (_THAWED if _within(name, kept) else _FROZEN).get(type(module))
        if kind is not None and name:
            made.setdefault(module, _recast(cast(Norm, module), kind))
            set_layer(model, name, made[module])


def _recast(norm: Norm, kind: type[Norm]) -> nn.Module:
    """A normalisation of another class with the same settings and the very same tensors."""
    twin = kind(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    twin.weight, twin.bias = norm.weight, norm.bias
    twin.running_mean, twin.running_var = norm.running_mean, norm.running_var
    twin.num_batches_tracked = norm.num_batches_tracked
    return twin.train(norm.training)
