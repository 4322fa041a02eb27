"""Rock-paper-scissors."""

import zipfile
from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data.images.rps import rock_paper_scissors


def test_two_archives_are_two_sides(save, tmp_path: Path) -> None:
    for number, name in enumerate(("rock", "paper", "scissors")):
        save(f"rps/{name}/{number}.png"), save(f"rps-test-set/{name}/{number}.png")
    for kind in ("rps", "rps-test-set"):
        with zipfile.ZipFile(tmp_path / f"{kind}.zip", "w") as archive:
            for path in (tmp_path / kind).rglob("*.png"):
                archive.write(path, path.relative_to(tmp_path))
    images = rock_paper_scissors(tmp_path, size=(3, 3))
    assert (images.classes, images.images.shape) == (("paper", "rock", "scissors"), (6, 3, 3, 3))
    assert images.names == ("paper/1.png", "rock/0.png", "scissors/2.png") * 2
    assert images.sides == ("train",) * 3 + ("val",) * 3
    (tmp_path / "rps-test-set.zip").unlink()
    with pytest.raises(
        DataError, match=r"There is no .*rps-test-set\.zip\. Fetch it with `stepwell data get rock-paper"
    ):
        rock_paper_scissors(tmp_path)
