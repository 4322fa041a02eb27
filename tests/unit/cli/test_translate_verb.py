"""`stepwell translate`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from stepwell.models import ResNetGenerator

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo and weights, in which commands are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path / "data"))
    Image.effect_noise((90, 60), 50).convert("RGB").save("photo.jpg")
    torch.save(ResNetGenerator(width=2, blocks=1).state_dict(), "small.pth")
    return tmp_path


def test_a_photo_becomes_another(here: Path, said: Said) -> None:
    words = ("translate", "photo.jpg", "--weights", "small.pth", "--out", "new.png", "--shorter", "31")
    assert said(*words) == (0, "new.png: 48×32 pixels\n", "")
    with Image.open("new.png") as image:
        assert image.size == (48, 32)


def test_what_is_wrong_is_said(here: Path, said: Said) -> None:
    code, _, err = said("translate", "photo.jpg")
    assert code == 1
    assert "horse2zebra_0.4.0.pth are not here. To have them:\n  get  https://" in err
    assert said("translate", "none.jpg", "--weights", "small.pth")[::2] == (1, "error: There is no file none.jpg.\n")
    code, _, err = said("translate", "photo.jpg", "--weights", "small.pth", "--out", "nowhere/x.jpg")
    assert code == 2
    assert "There is no folder nowhere to write x.jpg to." in err
    assert not (here / "translated.jpg").exists()
