"""Two designs of the recipe cifar2 by whole commands, on an archive of a few pictures, and their comparison."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Said = Callable[..., tuple[int, str, str]]
DESIGNS = ("base", "batchnorm")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixteen pictures of each class train, eight test: airplanes are darker than birds."""
    monkeypatch.chdir(tmp_path)
    path, draw = tmp_path / "some.zip", np.random.default_rng(1)
    with zipfile.ZipFile(path, "w") as made:
        for side, many in (("train", 16), ("test", 8)):
            for shade, kind in ((40, "airplane"), (170, "bird"), (90, "cat")):
                for number in range(many):
                    pixels, file = shade + draw.integers(0, 60, (32, 32, 3)), io.BytesIO()
                    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG")
                    made.writestr(f"{side}/{kind}/{number:04}.jpg", file.getvalue())
    return path


def test_two_designs_are_trained_and_compared(archive: Path, said: Said) -> None:
    runs = []
    for design in DESIGNS:
        words = ("--data", archive.name, "--design", design, "--batch-size", "8", "--epochs", "1", "--out", design)
        code, out, err = said("train", "cifar2", *words)
        assert (code, err) == (0, ""), err
        assert ["bird", "16", "8"] in [line.split() for line in out.splitlines()]
        runs += Path(design).iterdir()
    code, out, err = said("compare", *map(str, runs))
    assert (code, err) == (0, ""), err
    lines = [line.split() for line in out.splitlines()]
    start = lines.index(["What", "differs"])
    assert lines[start + 2 : lines.index([], start)] == [["design", *DESIGNS]]
    measured = [json.loads((run / "evaluation.json").read_text())["metrics"]["accuracy"] for run in runs]
    shown = [line for line in lines[:start] if line[:1] in (["A"], ["B"])]
    assert [float(line[2]) for line in shown] == pytest.approx(measured, abs=1e-3)
    assert "design" in (runs[0].parent / "compare.html").read_text()
