"""Clothes by whole commands, on a few pictures in the layout of Fashion-MNIST: train, and find a learning rate."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from small_clothes import write_clothes

Said = Callable[..., tuple[int, str, str]]
PLAIN = ("--precision", "fp32", "--memory-format", "contiguous", "--compiled", "no")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_clothes(tmp_path / "data")


def test_one_epoch_trains_and_is_measured_on_the_test_pictures(data: Path, said: Said) -> None:
    words = ("--data", str(data), "--network", "lenet", "--batch-size", "16", "--epochs", "1", *PLAIN)
    code, out, err = said("train", "fashion", *words)
    assert (code, err) == (0, ""), err
    assert ["Ankle", "boot", "18", "2", "5"] in [line.split() for line in out.splitlines()]
    assert "grey pictures of 28×28 pixels" in out
    (run,) = Path("runs").iterdir()
    [line] = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert (line["epoch"], line["step"]) == (1, 12)
    measured = json.loads((run / "evaluation.json").read_text())
    assert (measured["split"], measured["rows"]) == ("test", 50)
    assert "Ankle boot" in (run / "report.html").read_text()


def test_a_learning_rate_is_found_for_pictures(data: Path, said: Said) -> None:
    words = ("--data", str(data), "--network", "lenet", "--batch-size", "16", "--steps", "40", *PLAIN)
    code, out, err = said("find-rate", "fashion", *words)
    assert (code, err) == (0, ""), err
    lines = out.splitlines()
    assert lines[0].endswith("steps of fashion, AdamW, batches of 16, at rates from 1e-06 to 1")
    [suggested] = [line.split()[1] for line in lines if line.startswith("suggested ")]
    assert 1e-5 < float(suggested) < 1
    assert sum("◀ suggested" in line for line in lines) == 1
    assert any(line.startswith("schedule   OneCycleLR rested") for line in lines)
    [command] = [line.partition("   train with it")[0].split() for line in lines if "stepwell train" in line]
    assert command[:3] == ["stepwell", "train", "fashion"]
    flags = dict(zip(command[3::2], command[4::2], strict=True))
    assert (flags["--learning-rate"], flags["--network"], flags["--data"]) == (suggested, "lenet", "data")
    with Image.open("find-rate-fashion.png") as picture:
        assert picture.format == "PNG"
    assert not Path("runs").exists()
