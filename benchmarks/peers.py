"""The peers of `overhead.py`, as their own documentation writes a training: each where it is installed."""

import logging
import os
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

Train = Callable[[torch.Tensor, torch.Tensor, int], None]
BATCH = 64


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def _loader(x: torch.Tensor, y: torch.Tensor) -> Any:
    return DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)


def _lightning() -> dict[str, Train]:
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self, log: bool) -> None:
            super().__init__()
            self.model, self.with_log = _model(), log

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            loss = F.cross_entropy(self.model(batch[0]), batch[1])
            if self.with_log:
                self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    def bare(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
        off: dict[str, Any] = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
        trainer = lightning.Trainer(max_epochs=epochs, accelerator="cpu", enable_model_summary=False, **off)
        trainer.fit(Module(log=False), _loader(x, y))

    def logged(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
        off: dict[str, Any] = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
        trainer = lightning.Trainer(max_epochs=epochs, accelerator="cpu", enable_model_summary=False, **off)
        trainer.fit(Module(log=True), _loader(x, y))

    return {"Lightning, everything off": bare, "Lightning + self.log": logged}


def _skorch() -> dict[str, Train]:
    from skorch import NeuralNetClassifier

    def train(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
        net = NeuralNetClassifier(
            _model(),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.SGD,
            lr=0.01,
            batch_size=BATCH,
            max_epochs=epochs,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )
        net.fit(x, y)

    return {"skorch": train}


def _ignite() -> dict[str, Train]:
    from ignite.contrib.handlers import ProgressBar
    from ignite.engine import create_supervised_trainer
    from ignite.metrics import RunningAverage

    def train(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
        model = _model()
        engine = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), lr=0.01), nn.CrossEntropyLoss())
        RunningAverage(output_transform=lambda loss: loss).attach(engine, "loss")
        with Path(os.devnull).open("w") as screen:
            ProgressBar(file=screen).attach(engine, ["loss"])
            engine.run(_loader(x, y), max_epochs=epochs)

    return {"Ignite + running mean + bar": train}


_FOUND: dict[str, Callable[[], dict[str, Train]]] = {"lightning": _lightning, "skorch": _skorch, "ignite": _ignite}
_PACKAGE = {"ignite": "pytorch-ignite"}


def find_peers() -> tuple[dict[str, Train], dict[str, str]]:
    """The loops of the peers that are installed, and their versions."""
    loops: dict[str, Train] = {}
    versions: dict[str, str] = {}
    for module, make in _FOUND.items():
        if find_spec(module) is not None:
            loops.update(make())
            versions[_PACKAGE.get(module, module)] = version(_PACKAGE.get(module, module))
    return loops, versions
