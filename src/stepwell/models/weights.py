"""Weights from files into models, with a report of what fits and what does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.models.architectures import recognised, told_architecture
from stepwell.models.backbones import BACKBONES
from stepwell.models.heads import heads_of, sides_left_out
from stepwell.models.pixels import FromPixels
from stepwell.models.state_files import read_state

_COUNTER = "num_batches_tracked"  # which files of before 2018 lack, and no output depends on
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What came of loading weights, by the names of parameters and buffers.

    `loaded` were set. `missing` are the model's alone and stay as they were, `unexpected` the file's alone; `shapes` are in
    both with different shapes, the file's first; `skipped` are the head's, where it was to be left alone, and those of a side
    head that the model was made without.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether file and model had the same names and shapes, but for what was skipped."""
        return not (self.missing or self.unexpected or self.shapes)

    def __str__(self) -> str:
        counts = {
            "loaded": self.loaded if self.fits else (),
            "of the same name and shape": () if self.fits else self.loaded,
            "skipped (the head)": self.skipped,
            "missing in the file": self.missing,
            "unexpected in the file": self.unexpected,
        }
        lines = [f"{len(names)} {what}{_listed(names, self.loaded)}" for what, names in counts.items() if names]
        wrong = [f"  {name}: {given} in the file, {due} in the model" for name, given, due in self.shapes[:_SHOWN]]
        return "\n".join([*lines, *([f"{len(self.shapes)} of another shape:", *wrong] if wrong else [])])


def load_weights(
    model: nn.Module, path: Path | str, *, strict: bool = True, head: Literal["keep", "skip"] = "keep"
) -> LoadReport:
    """Set the model's parameters and buffers from a file of weights (`read_state` says of which kinds) and report.

    `head="skip"` leaves the head layers as they are, whatever the file has there, for a network whose head was replaced.
    `strict=False` sets what has the name and shape, and leaves the rest. Weights of a bare network may be loaded into one
    behind `FromPixels`.

    Raises `ModelError` for a file that cannot be read, and, with `strict`, before anything is changed, where names or shapes
    differ: with the names, the shapes, and the architecture that the file looks like.
    """
    return load_state(model, read_state(path), path, strict=strict, head=head)


def load_state(
    model: nn.Module,
    state: Mapping[str, Tensor],
    path: Path | str = "The weights",
    *,
    strict: bool = True,
    head: Literal["keep", "skip"] = "keep",
) -> LoadReport:
    """`load_weights` for tensors that were read already; `path` is what messages call them."""
    if isinstance(model, FromPixels) and not any(name.startswith("net.") for name in state):
        model = model.net
    skip = sides_left_out(model) + (heads_of(model) if head == "skip" else ())
    report = compare(model, state, skip=skip)
    if strict and not report.fits:
        instead = _make_instead(model, state) if head == "skip" else ""  # as who begins with published weights has it
        raise ModelError(_refusal(model, state, path, report) + instead)
    if not report.loaded:
        raise ModelError(f"None of the {len(state)} tensors of {path} fits {_called(model)}.\n{report}")
    own = model.state_dict(keep_vars=True)
    with torch.no_grad():
        for name in report.loaded:
            own[name].copy_(state[name])
    return report


def compare(model: nn.Module, state: Mapping[str, Tensor], *, skip: tuple[str, ...] = ()) -> LoadReport:
    """What `load_state` would do, without doing it; `skip` are layers to leave alone."""
    own, given = dict(model.state_dict()), dict(state)
    skipped = tuple(dict.fromkeys(name for name in (*own, *given) if _in(name, skip)))
    own, given = ({name: each[name] for name in each if name not in skipped} for each in (own, given))
    both = [name for name in own if name in given]
    shapes = tuple(
        (name, tuple(given[name].shape), tuple(own[name].shape))
        for name in both
        if given[name].shape != own[name].shape
    )
    wrong = {name for name, *_ in shapes}
    return LoadReport(
        loaded=tuple(name for name in both if name not in wrong),
        missing=tuple(name for name in own if name not in given and not name.endswith(_COUNTER)),
        unexpected=tuple(name for name in given if name not in own),
        shapes=shapes,
        skipped=skipped,
    )


def _refusal(model: nn.Module, state: Mapping[str, Tensor], path: Path | str, report: LoadReport) -> str:
    lines = [f"{path} does not fit {_called(model)}:", *(f"  {line}" for line in str(report).splitlines())]
    heads = _heads(model)
    differ = {name for name, *_ in report.shapes}
    if heads and not report.missing and not report.unexpected and all(_in(name, heads) for name in differ):
        given = report.shapes[0][1][0]
        lines.append(
            f"Only the head differs: it has {given} classes in the file. Load the rest with head='skip', or make the model"
            f" with {given} classes."
        )
    else:
        lines.append(told_architecture(state))
    return "\n".join(lines)


def _called(model: nn.Module) -> str:
    """The network by its architecture's name, where it has a known one, else by its class."""
    found = recognised(model.state_dict())
    return type(model).__name__ if found is None else f"the network {found.name!r}"


def _make_instead(model: nn.Module, state: Mapping[str, Tensor]) -> str:
    """How to make the network that the weights are of, where it is a backbone and not the model's own."""
    found, own = recognised(state), recognised(model.state_dict())
    if found is None or found.name not in BACKBONES or (own is not None and own.name == found.name):
        return ""
    return f" Make that network: --backbone {found.name}, in Python backbone({found.name!r})."


def _heads(model: nn.Module) -> tuple[str, ...]:
    try:
        return heads_of(model)
    except ModelError:
        return ()


def _in(name: str, layers: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{layer}.") for layer in layers)


def _listed(names: tuple[str, ...], well: tuple[str, ...]) -> str:
    if names is well:  # which nobody needs to look at
        return ""
    return f": {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
