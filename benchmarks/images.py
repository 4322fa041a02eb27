"""Pictures: an epoch of Fashion-MNIST, and batches from a folder of JPEGs, against a textbook's and Lightning's loop: `make bench`.

Three parts. The contestants of a part take turns, round by round, and a ratio is the median over rounds of two figures of
the same round.

fashion   The PyTorch overview's ConvNet on the 60,000 pictures, batch 128, one epoch. The textbook's data set is torchvision's
          `MNIST` with `ToTensor` and `Normalize`, rebuilt here in the same operations, since torchvision does not import beside
          the CPU build of torch; its loop and Lightning's are as their documentation writes them. Stepwell's arithmetic is
          `auto`: what it chose is in the result. Accuracy is that of the 10,000 test pictures after three epochs, same seed;
          that of the recipe as users have it, with its own optimizer, stands beside it.
lines     Godoy's five-layer network on pictures of 12 × 12 lines, batch 16, one thread, against the same loops.
folder    12,000 JPEGs of 32 × 32 in class folders, batch 64: seconds of the first and of later epochs of batches of bytes.

The data is that of STEPWELL_DATA; parts whose files are not there are left out. `--parts fashion` runs one.
"""

import argparse
import json
import logging
import os
import statistics
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import stepwell as sw
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.idx import read_idx
from stepwell.data.images.stored import Images
from stepwell.data.lines import line_images
from stepwell.data.loader import Loader
from stepwell.data.orders import Shuffled
from stepwell.models import ConvNet, FromPixels
from stepwell.models.lines import LineNet
from stepwell.recipes.fashion import fashion as fashion_recipe
from stepwell.runs.environment import environment

OUT = Path(__file__).parent / "results" / "images.json"
DATA = Path(os.environ.get("STEPWELL_DATA", "shared/data"))
Train = Callable[[int], nn.Module]


class Textbook(Dataset[Any]):
    """Pictures one by one through Pillow, `ToTensor` and `Normalize`, as torchvision's `MNIST` gives them."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, mean: float, std: float) -> None:
        self.images, self.labels = images.squeeze(1), labels
        self.mean, self.std = torch.tensor([mean]).view(-1, 1, 1), torch.tensor([std]).view(-1, 1, 1)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        picture, label = Image.fromarray(self.images[row].numpy()), int(self.labels[row])
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(*picture.size[::-1], 1)
        values = pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return values.sub_(self.mean).div_(self.std), label


def textbook(make: Callable[[], nn.Module], rows: Dataset[Any], batch: int, optimizer: Any) -> Train:
    def train(epochs: int) -> nn.Module:
        torch.manual_seed(0)
        model = make()
        optimiser = optimizer(model)
        loader = DataLoader(rows, batch_size=batch, shuffle=True)
        model.train()
        for _ in range(epochs):
            for number, (inputs, targets) in enumerate(loader):
                optimiser.zero_grad()
                loss = F.cross_entropy(model(inputs), targets)
                loss.backward()
                optimiser.step()
                if number % 10 == 0:
                    loss.item()  # the overview prints it
        return model

    return train


def lightning_loop(make: Callable[[], nn.Module], rows: Dataset[Any], batch: int, optimizer: Any) -> Train:
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = make()

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            outputs = self.model(batch[0])
            loss = F.cross_entropy(outputs, batch[1])
            self.log("loss", loss, prog_bar=True)
            return loss

        def configure_optimizers(self) -> Any:
            return optimizer(self.model)

    def train(epochs: int) -> nn.Module:
        torch.manual_seed(0)
        module = Module()
        with tempfile.TemporaryDirectory() as folder:
            trainer = lightning.Trainer(
                max_epochs=epochs,
                accelerator="cpu",
                default_root_dir=folder,
                enable_progress_bar=False,
                logger=False,
                enable_model_summary=False,
            )
            trainer.fit(module, DataLoader(rows, batch_size=batch, shuffle=True))
        return module.model

    return train


def stepwell_fit(make: Callable[[], nn.Module], data: Images, batch: int, optimizer: Any, **settings: str) -> Train:
    """With history, checkpoints, accuracy and a live display."""

    def train(epochs: int) -> nn.Module:
        torch.manual_seed(0)
        model = make()
        experiment = sw.Experiment(
            data=sw.Splits(train=sw.ArraySource(data.images, data.labels)),
            model=model,
            task=sw.Multiclass(classes=len(data.classes)),
            optimizer=optimizer(model),
            batch_size=batch,
            epochs=epochs,
            **settings,  # type: ignore[arg-type]
        )
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as screen:
            run = sw.create_run(folder, "bench", {})
            display = sw.Progress(Console(file=screen, force_terminal=True, width=100))
            sw.fit(experiment, run, [display, sw.History(run), sw.Checkpoints(run)])
            train.chosen = run.facts.get("variant", {}).get("variant")  # type: ignore[attr-defined]
        return model

    return train


def seconds(train: Train, epochs: int) -> float:
    started = time.perf_counter()
    train(epochs)
    return time.perf_counter() - started


def per_epoch(train: Train, epochs: int) -> float:
    """Seconds of an epoch: what a long training takes more than a short one, so that beginnings and ends cancel out."""
    short = seconds(train, 1)
    return (seconds(train, 1 + epochs) - short) / epochs


def race(contestants: dict[str, Train], rounds: int, epochs: int) -> dict[str, dict[str, float]]:
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, train in contestants.items():
            times[name].append(per_epoch(train, epochs))
    own = times["stepwell"]
    return {
        name: {
            "seconds_an_epoch": round(statistics.median(each), 3),
            "times_stepwell": round(statistics.median(a / b for a, b in zip(each, own, strict=True)), 2),
        }
        for name, each in times.items()
    }


def _accuracy(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        found = torch.cat([model.eval()(part).argmax(1) for part in inputs.split(1000)])  # type: ignore[no-untyped-call]
    return round(float((found == labels).float().mean()), 4)


def fashion(rounds: int) -> dict[str, Any]:
    images = read_idx(DATA / "fashion-mnist")
    train, test = images.of_side("train"), images.of_side("test")
    mean, std = float((train.images / 255).mean()), float((train.images / 255).std())

    def adadelta(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adadelta(model.parameters(), lr=0.5)

    rows = Textbook(train.images, train.labels, mean, std)

    def own() -> nn.Module:
        return FromPixels(ConvNet(), (mean,), (std,))

    auto = {"precision": "auto", "memory_format": "auto", "compiled": "auto"}
    contestants = {
        "stepwell": stepwell_fit(own, train, 128, adadelta, **auto),
        "stepwell, fp32": stepwell_fit(own, train, 128, adadelta),
        "textbook": textbook(ConvNet, rows, 128, adadelta),
    }
    if find_spec("lightning"):
        contestants["lightning"] = lightning_loop(ConvNet, rows, 128, adadelta)
    found: dict[str, Any] = race(contestants, rounds, 1)
    pixels = (test.images / 255 - mean) / std
    found["stepwell"]["accuracy_after_3"] = _accuracy(contestants["stepwell"](3), test.images, test.labels)
    found["textbook"]["accuracy_after_3"] = _accuracy(contestants["textbook"](3), pixels, test.labels)
    found["stepwell"]["chosen"] = contestants["stepwell"].chosen  # type: ignore[attr-defined]
    found["stepwell train fashion"] = {"accuracy_after_3": _of_the_recipe(test)}
    return found


def _of_the_recipe(test: Images) -> float:
    """The test accuracy of the recipe as it stands: 54,000 pictures, AdamW, one cycle of its rate, three epochs."""
    experiment = fashion_recipe(data=DATA, epochs=3)
    sw.fit(experiment)
    return _accuracy(experiment.model, test.images, test.labels)


def lines(rounds: int) -> dict[str, Any]:
    threads, made = torch.get_num_threads(), line_images(12, 1000, binary=False, seed=17)
    data = Images(made.images, made.labels, ("parallel", "right", "left"))

    def sgd(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(model.parameters(), lr=0.1)

    def own() -> nn.Module:
        return FromPixels(LineNet(12), (0.5,), (0.5,))

    rows = Textbook(data.images, data.labels, 0.5, 0.5)
    torch.set_num_threads(1)  # for all: such small work is not worth sharing
    contestants = {
        "stepwell": stepwell_fit(own, data, 16, sgd),
        "textbook": textbook(lambda: LineNet(12), rows, 16, sgd),
    }
    if find_spec("lightning"):
        contestants["lightning"] = lightning_loop(lambda: LineNet(12), rows, 16, sgd)
    found = race(contestants, rounds, 10)
    torch.set_num_threads(threads)
    return found


class _Files(Dataset[Any]):
    """A folder's pictures as torchvision's `ImageFolder` with `PILToTensor` gives them."""

    def __init__(self, folder: Path) -> None:
        classes = sorted(entry.name for entry in folder.iterdir())
        self.files = [
            (path, number) for number, name in enumerate(classes) for path in sorted((folder / name).iterdir())
        ]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        path, label = self.files[row]
        with path.open("rb") as file:
            picture = Image.open(file).convert("RGB")
        return torch.from_numpy(np.array(picture, copy=True)).permute(2, 0, 1), label


def folder(rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        place = _unpacked(Path(made))
        for workers in (0, 2):
            pairs = [(_by_torch(place, workers), _by_stepwell(place, workers)) for _ in range(rounds)]
            firsts = [a[0] / b[0] for a, b in pairs]
            laters = [a[1] / b[1] for a, b in pairs]
            found[f"{workers} workers"] = {
                "dataloader_first_s": round(statistics.median(a[0] for a, _ in pairs), 2),
                "stepwell_first_s": round(statistics.median(b[0] for _, b in pairs), 2),
                "first_times_faster": round(statistics.median(firsts), 2),
                "later_times_faster": round(statistics.median(laters), 1),
            }
    return found


def _unpacked(place: Path) -> Path:
    with tarfile.open(DATA / "cifar-10" / "cifar-10-jpg.tar.gz", "r|gz") as archive:
        for member in archive:
            parts = Path(member.name).parts
            stream = archive.extractfile(member) if member.isfile() and parts[0] == "train" else None
            if stream is not None and int(Path(member.name).stem) < 1200:
                target = place / parts[-2] / parts[-1]
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(stream.read())
    return place


def _by_torch(place: Path, workers: int) -> tuple[float, float]:
    """Seconds of the first and of the second epoch."""
    loader = DataLoader(_Files(place), batch_size=64, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    return _epoch(lambda: sum(len(batch) for batch, _ in loader)), _epoch(
        lambda: sum(len(batch) for batch, _ in loader)
    )


def _by_stepwell(place: Path, workers: int) -> tuple[float, float]:
    """The first with reading the folder, decoding, digests for leaks, split and statistics."""
    loaders: list[Loader] = []

    def first() -> int:
        _, data = fit_images(place, val=0.0, test=0.0, workers=workers)
        assert isinstance(data.train, sw.Source)
        loaders.append(Loader(source=data.train, batch_size=64, order=Shuffled(), seed=0))
        return sum(len(batch.index) for batch in loaders[0].epoch(0))

    def later(number: int) -> int:
        return sum(len(batch.index) for batch in loaders[0].epoch(number))

    return _epoch(first), statistics.median(_epoch(partial(later, number)) for number in range(1, 6))


def _epoch(run: Callable[[], int]) -> float:
    started = time.perf_counter()
    if run() != 12_000:
        raise RuntimeError("An epoch did not show every picture once.")
    return time.perf_counter() - started


PARTS = {
    "lines": (lines, ""),
    "folder": (folder, "cifar-10/cifar-10-jpg.tar.gz"),
    "fashion": (fashion, "fashion-mnist"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    settings = parser.parse_args()
    warnings.simplefilter("ignore")
    figures: dict[str, Any] = json.loads(OUT.read_text())["figures"] if OUT.exists() else {}
    for name in settings.parts:
        run, needs = PARTS[name]
        if needs and not (DATA / needs).exists():
            print(f"{name}: left out, {needs} is not in STEPWELL_DATA")
            continue
        figures[name] = run(settings.rounds)
        print(name, json.dumps(figures[name], indent=2))
    facts = {"date": date.today().isoformat(), "command": "make bench", "rounds": settings.rounds, **environment()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"figures": figures, **facts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
