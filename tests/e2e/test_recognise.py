"""`stepwell recognise` as a whole command, with a network of random numbers: its mechanics, not its eyes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from stepwell.core.devices import seeded
from stepwell.models.architectures import maker

Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo, weights of a ResNet-18 and of a small network, and a data folder with 1000 names."""
    folder = tmp_path_factory.mktemp("recognise")
    rows, columns = np.mgrid[0:300, 0:500]
    Image.fromarray(np.stack([rows % 256, columns % 256, (rows * columns) % 256], 2).astype(np.uint8)).save(
        folder / "photo.png"
    )
    with seeded(1):
        net = maker("resnet18")(1000, 3)
        net(torch.randn(8, 3, 64, 64))  # statistics that are not 0 and 1
    torch.save(
        {"state_dict": {f"module.{name}": tensor for name, tensor in net.state_dict().items()}}, folder / "w.pth"
    )
    with seeded(2):
        save_file(maker("small")(3, 3).state_dict(), folder / "small.safetensors")
    (folder / "names.txt").write_text("rock\npaper\nscissors\n")
    (folder / "data" / "images").mkdir(parents=True)
    names = [f"thing {number}, something" for number in range(1000)]
    (folder / "data" / "images" / "imagenet_classes.txt").write_text("\n".join(names))
    return folder


def recognise(folder: Path, *words: str) -> Ended:
    environment = {**os.environ, "STEPWELL_DATA": str(folder / "data")}
    return subprocess.run(
        [sys.executable, "-m", "stepwell", "recognise", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_top_five_with_names_the_same_each_time(folder: Path) -> None:
    done, again = (recognise(folder, "photo.png", "--weights", "w.pth") for _ in range(2))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == again.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["what", "it", "is", "sure"]
    sure = [float(re.fullmatch(r"thing \d+, something +([\d.]+)% +[█▏]+", line)[1]) for line in lines[1:6]]
    assert sure == sorted(sure, reverse=True)
    assert 0 < sum(sure) <= 100
    assert lines[6:9] == [
        "",
        "network  resnet18, 1,000 classes",
        "seen     the middle 224 × 224 pixels of photo.png, its shorter side scaled to 256",
    ]
    assert "stepwell recognise photo.png --weights w.pth --top 20" in done.stdout


def test_own_classes_and_a_network_that_is_told_from_its_weights(folder: Path) -> None:
    done = recognise(folder, "photo.png", "--weights", "small.safetensors", "--classes", "names.txt", "--top", "9")
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[0] for line in done.stdout.splitlines()[1:4]} == {"rock", "paper", "scissors"}
    assert "network  small, 3 classes" in done.stdout
    assert "Next:" not in done.stdout


def test_missing_weights_say_where_to_get_them_and_where_to_put_them(folder: Path) -> None:
    done = recognise(folder, "photo.png", "--weights", "resnet101.pth")
    assert (done.returncode, done.stdout) == (1, "")
    assert "get  https://download.pytorch.org/models/resnet101-63fe2227.pth (about 179 MB" in done.stderr
    assert f"to   {folder / 'data' / 'weights' / 'resnet101-63fe2227.pth'}" in done.stderr


def test_another_architecture_is_named(folder: Path) -> None:
    done = recognise(folder, "photo.png", "--weights", "w.pth", "--architecture", "resnet34")
    assert done.returncode == 1
    assert "missing in the file: layer1.2.conv1.weight" in done.stderr
    assert done.stderr.endswith("It looks like resnet18 with 1000 classes and 3 channels.\n")
