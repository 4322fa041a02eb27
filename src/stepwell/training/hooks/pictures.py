"""Pictures of what a pair of generators makes, every epoch."""

import io
from pathlib import Path

import torch
from torch import Tensor

from stepwell.core.devices import device_of
from stepwell.core.errors import TrainingError
from stepwell.core.modules import mode_restored
from stepwell.models.cyclegan import CycleGAN
from stepwell.runs.files import temporary_beside, writing
from stepwell.training.hooks.base import Hook
from stepwell.training.training import Training


class Pictures(Hook):
    """Writes `pictures/epoch-001.png` and so on into the run: pictures of two kinds, their translations, and the way back.

    `a` and `b` are a few pictures of each kind, `(n, channels, h, w)`, bytes or floats 0 to 1, the same every epoch; a row
    of the picture holds one of each. `kinds` are the kinds' names. Without a run nothing is drawn. Raises `TrainingError`
    for kinds of different numbers, and for a model without generators.
    """

    def __init__(self, a: Tensor, b: Tensor, *, kinds: tuple[str, str] = ("a", "b")) -> None:
        if len(a) != len(b) or not len(a):
            raise TrainingError(
                f"There are {len(a)} pictures of one kind and {len(b)} of the other; give as many of each."
            )
        self._a, self._b, self._kinds = a, b, kinds

    def fit_start(self, training: Training) -> None:
        """Look whether the model translates."""
        if not isinstance(training.model, CycleGAN):
            raise TrainingError(
                f"The hook Pictures shows what a CycleGAN makes; the model is a {type(training.model).__name__}."
            )

    def epoch_end(self, training: Training) -> None:
        """Draw the epoch that has ended."""
        if training.run is not None and isinstance(training.model, CycleGAN):
            number = training.history[-1]["epoch"]
            _write(training.run.folder / "pictures" / f"epoch-{number:03d}.png", self._drawn(training.model))

    def _drawn(self, model: CycleGAN) -> bytes:
        from stepwell.plots.images import images  # matplotlib is loaded only where something is drawn

        columns = _columns(model, self._a, self._b)
        one, two = self._kinds
        titles = (one, f"to {two}", "and back", two, f"to {one}", "and back")
        figure = images(columns.flatten(0, 1).numpy(), titles, columns=len(titles))
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=144)
        return file.getvalue()


def _columns(model: CycleGAN, a: Tensor, b: Tensor) -> Tensor:
    """`(rows, 6, channels, h, w)`, values 0 to 1: a picture of each kind, its translation, and what comes back."""
    device = device_of(model)
    with mode_restored(model), torch.no_grad():
        made = model.eval().make(a.to(device), b.to(device))
    parts = (made.real_a, made.fake_b, made.cycled_a, made.real_b, made.fake_a, made.cycled_b)
    return ((torch.stack(parts, dim=1) + 1) / 2).clamp(0, 1).cpu()


def _write(path: Path, content: bytes) -> None:
    """All of a file or none. Raises `RunError`."""
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        beside = temporary_beside(path)
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
