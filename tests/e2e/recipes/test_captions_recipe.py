"""The recipe of captions: runs from drawn scenes and from a CSV file, and what the verbs make of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from stepwell.core.errors import RunError
from stepwell.data.scenes import scenes
from stepwell.recipes.captions import captions
from stepwell.recipes.servable import load_servable
from stepwell.runs import open_run

Said = Callable[..., tuple[int, str, str]]
QUICK = ("--epochs", "1", "--width", "16")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with drawn scenes as files, and a CSV file of their captions beside it."""
    folder, made = tmp_path_factory.mktemp("captions"), scenes(24, seed=5)
    (folder / "photos").mkdir()
    for number, image in enumerate(made.images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / "photos" / f"{number:02}.png")
    lines = [f"photos/{number:02}.png,{text}" for number, text in enumerate(made.captions)]
    (folder / "captions.csv").write_text("\n".join(["file,caption", *lines]) + "\n")
    return folder


def trained(said: Said, *flags: object) -> Path:
    code, out, err = said("train", "captions", *map(str, flags), *QUICK)
    assert (code, err) == (0, ""), err
    assert "stepwell serve" not in out
    (folder,) = Path("runs").iterdir()
    return folder


def test_a_run_of_a_file_is_used_when_the_file_is_gone(
    photos: Path, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(photos, "in")
    run = trained(said, "--data", "in/captions.csv")
    code, out, _ = said("evaluate", str(run))
    assert code == 0
    assert "captions_right" in out
    assert "photos/" in out
    shutil.rmtree("in")
    code, out, err = said("predict", str(run), str(photos / "photos"), "--out", "said.csv")
    assert (code, err) == (0, "")
    lines = Path("said.csv").read_text().splitlines()
    assert lines[0] == "file,predicted caption"
    assert len(lines) == 25
    page = (run / "report.html").read_text()
    assert "commonest word" in page
    assert "counted on the training rows" in page


def test_what_cannot_be_done_with_it_is_said(
    photos: Path, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = trained(said, "--pictures", "60")
    photo = str(photos / "photos" / "00.png")
    code, _, err = said("look", str(run), photo)
    assert code == 1
    assert "says in words what pictures show" in err
    assert said("predict", str(run), photo)[0] == 0
    for words in (("serve", str(run)), ("export", str(run), "--out", "out")):
        code, _, err = said(*words)
        assert code == 1
        assert "captions word by word, which are no answers to serve or export. Use: stepwell predict" in err
    with pytest.raises(RunError, match="captions word by word"):
        load_servable(open_run(run))


def test_scenes_are_as_many_and_as_large_as_asked() -> None:
    made = captions(pictures=40, size=24, cell="lstm", width=8)
    assert sum(len(side) for side in (made.data.train, made.data.val, made.data.test)) == 40  # type: ignore[arg-type, misc]
    assert type(made.model.decoder) is torch.nn.LSTM
    assert made.reader.pictures.size == (24, 24)  # type: ignore[union-attr]
