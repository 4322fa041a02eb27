"""A folder of pictures in, an explained network out: the commands of a person who writes no Python."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from stepwell.cli.main import main
from stepwell.cli.sitting import Begin
from stepwell.core.devices import seeded
from stepwell.models.backbones import backbone
from stepwell.recipes.launch import train
from stepwell.recipes.predictor import load_predictor
from stepwell.recipes.recipe import load
from stepwell.runs.run import open_run
from stepwell.training import Training
from stepwell.training.hooks import Hook

CLASSES = ("disc", "ring", "square")


def drawn(kind: str, draw: np.random.Generator) -> Image.Image:
    """A shape of a random colour, size and place on a noisy ground; 40×48 pixels."""
    y, x = np.mgrid[:40, :48]
    cy, cx, radius = draw.uniform(12, 28), draw.uniform(12, 36), draw.uniform(6, 11)
    away = np.hypot(y - cy, x - cx)
    shapes = {
        "disc": away < radius,
        "ring": (away < radius) & (away > radius / 1.8),
        "square": np.maximum(abs(y - cy), abs(x - cx)) < radius * 0.85,
    }
    pixels = draw.uniform(0, 60, (40, 48, 3)) + shapes[kind][..., None] * draw.uniform(110, 190, 3)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures of each of three shapes, in folders of their classes."""
    root, draw = tmp_path_factory.mktemp("pictures") / "shapes", np.random.default_rng(0)
    for kind in CLASSES:
        (root / kind).mkdir(parents=True)
        for number in range(60):
            drawn(kind, draw).save(root / kind / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def run(shapes: Path) -> Path:
    """A run of that folder, trained by the command as a user types it, in another process."""
    words = [sys.executable, "-m", "stepwell", "train", "images", shapes, "--size", "32", "--epochs", "12"]
    words += ["--augment", "flip,shift:2", "--batch-size", "16", "--out", shapes.parent / "runs"]
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, env={**os.environ})
    assert ended.returncode == 0, ended.stderr
    (folder,) = (shapes.parent / "runs").iterdir()
    (folder / "said").write_text(ended.stdout)
    return folder


def test_what_was_found_is_shown_before_training(run: Path) -> None:
    head, _, tail = (run / "said").read_text().partition("epoch ")
    lines = [line.split() for line in head.splitlines()]
    for kind in CLASSES:
        assert [kind, "42", "9", "9"] in lines
    assert "colour pictures of 32×32 pixels" in head
    assert "180 of 180 pictures, of 40×48 (height×width), were scaled to cover 32×32 and cut." in head
    assert (
        re.search(r"arithmetic: fp32, as the training takes about \d+ s, less than measuring", head) or "chosen" in head
    )
    assert "linear model" in tail


class _Enough(Hook):
    """Ends a training when its first step is due."""

    def fit_start(self, training: Training) -> None:
        raise InterruptedError


def test_ways_to_compute_are_measured_before_a_long_training(shapes: Path, tmp_path: Path, capsys) -> None:
    """160,000 steps take longer than measuring anywhere; what is chosen is shown and kept, and none of them is made."""
    settings = {"folder": shapes, "size": 32, "batch_size": 16, "epochs": 20_000, "compiled": "no"}
    with pytest.raises(InterruptedError):
        train(load("images"), settings, out=str(tmp_path / "runs"), hooks=[Begin({}), _Enough()])
    (folder,) = (tmp_path / "runs").iterdir()
    kept = open_run(folder).facts["variant"]
    names = [trial["name"] for trial in kept["trials"]]
    assert names == ["fp32", "fp32, channels-last", "bf16", "bf16, channels-last"]
    (chosen,) = [trial for trial in kept["trials"] if trial["verdict"] == "chosen"]
    assert chosen["variant"] == kept["variant"]
    assert chosen["milliseconds"] > 0
    said = capsys.readouterr().out
    assert "less than measuring" not in said
    assert re.search(r"^arithmetic +ms a step +speed +gradients differ by", said, re.MULTILINE)
    shown = [line for line in said.splitlines() if line.rstrip().endswith(" chosen")]
    assert [re.split(r" {2,}", line)[0] for line in shown] == [chosen["name"]]


def test_a_network_tells_shapes_apart(run: Path) -> None:
    measured = json.loads((run / "evaluation.json").read_text())
    compared = {one["name"]: one["metrics"] for one in json.loads((run / "baselines.json").read_text())["baselines"]}
    assert measured["split"] == "test"
    assert measured["metrics"]["accuracy"] > 0.8
    assert set(compared) == {"commonest class", "linear model"}
    assert compared["commonest class"]["accuracy"] == pytest.approx(1 / 3)


def test_the_report_shows_what_the_network_sees(run: Path) -> None:
    page = (run / "report.html").read_text()
    for text in (
        "First filters",
        "What training sees",
        "Pictures",
        "--augment flip,shift:2",
        "ring",
        "normalised by the mean",
    ):
        assert text in page, text
    assert len(page) < 3_000_000


def test_a_new_picture_is_read_without_the_old_ones(run: Path, shapes: Path, tmp_path: Path, capsys) -> None:
    draw, out = np.random.default_rng(5), tmp_path / "said.csv"
    (tmp_path / "new").mkdir()
    for kind in CLASSES:
        drawn(kind, draw).resize((96, 80)).save(tmp_path / "new" / f"{kind}.jpg", quality=95)
    hidden = shapes.rename(shapes.with_name("gone"))
    try:
        assert main(["predict", str(run), str(tmp_path / "new"), "--out", str(out)]) == 0
    finally:
        hidden.rename(shapes)
    found = pl.read_csv(out)
    assert found["file"].to_list() == ["disc.jpg", "ring.jpg", "square.jpg"]
    assert sum(found["predicted class"] == pl.Series(CLASSES)) >= 2
    chances = found.select(f"probability of {kind}" for kind in CLASSES).sum_horizontal()
    assert chances.to_list() == pytest.approx([1.0] * 3, abs=1e-5)
    capsys.readouterr()


def test_an_interrupted_training_goes_on_to_the_bit(shapes: Path, capsys) -> None:
    words = ["train", "images", str(shapes), "--size", "32", "--epochs", "2", "--augment", "light,affine:10,erase"]
    assert main([*words, "--precision", "fp32", "--out", str(shapes.parent / "again")]) == 0
    (folder,) = (shapes.parent / "again").iterdir()
    assert main(["resume", str(folder), "--verify"]) == 0
    assert "same" in capsys.readouterr().out


def test_published_weights_and_a_new_head(shapes: Path, tmp_path: Path, capsys) -> None:
    with seeded(1):
        torch.save(backbone("resnet18")(1000).state_dict(), tmp_path / "mine.pth")
    words = ["train", "images", str(shapes), "--backbone", "resnet18", "--weights", str(tmp_path / "mine.pth")]
    words += ["--freeze", "--size", "32", "--epochs", "1", "--precision", "fp32", "--out", str(tmp_path / "runs")]
    assert main(words) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    (tmp_path / "mine.pth").unlink()
    predictor = load_predictor(open_run(folder))
    kept = open_run(folder).facts["model"]
    assert kept["parameters"] > 11_000_000
    assert predictor.task.classes == CLASSES  # type: ignore[attr-defined]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--freeze"], "give --weights FILE"),
        (["--weights", "nowhere.pth", "--backbone", "resnet18"], "nowhere.pth"),
        (["--augment", "flop"], "Did you mean 'flip'?"),
        (["--augment", "flip", "--flips-change-labels"], "The labels would be wrong"),
        (["--size", "0"], "has no pixels"),
        (["--backbone", "alexnet", "--size", "32"], "needs pictures of 63 pixels a side or more"),
        (["--backbone", "resnt18"], "resnet18"),
    ],
)
def test_wrong_settings_are_told_before_training(
    shapes: Path, tmp_path: Path, flags: list[str], said: str, capsys
) -> None:
    assert main(["train", "images", str(shapes), *flags, "--out", str(tmp_path / "runs")]) != 0
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs").exists()


def test_broken_files_are_named_and_skipped_on_request(shapes: Path, tmp_path: Path, capsys) -> None:
    copy = tmp_path / "broken"
    for kind in CLASSES[:2]:
        (copy / kind).mkdir(parents=True)
        for file in sorted((shapes / kind).iterdir())[:10]:
            (copy / kind / file.name).write_bytes(file.read_bytes())
    half = copy / "ring" / "03.png"
    half.write_bytes(half.read_bytes()[:200])
    words = ["train", "images", str(copy), "--epochs", "1", "--precision", "fp32", "--out", str(tmp_path / "runs")]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "ring/03.png" in told
    assert "--broken skip" in told or 'broken="skip"' in told
    assert main([*words, "--broken", "skip"]) == 0
    assert "ring/03.png" in capsys.readouterr().out
