"""A photo through a generator with weights from a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from stepwell.core.errors import DataError, ModelError, RunError
from stepwell.models import CycleGAN, Net, ResNetGenerator
from stepwell.recipes.translate import load_translator, save_picture, translated, translator_of
from stepwell.runs import Run, Snapshot, create_run
from stepwell.runs.checkpoint import write_checkpoint


def photo(height: int = 30, width: int = 45) -> Tensor:
    return torch.randint(256, (3, height, width), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a small generator; the data folder is empty."""
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path / "data"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(ResNetGenerator(width=3, blocks=2).state_dict(), tmp_path / "small.pth")
    return tmp_path / "small.pth"


def test_the_generator_has_the_shape_of_its_weights(weights: Path) -> None:
    generator = load_translator(weights)
    kept = torch.load(weights, weights_only=True)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in generator.state_dict().items())
    assert not generator.training


def test_it_is_shown_values_from_0_to_1_and_gives_those_from_minus_1_to_1(weights: Path) -> None:
    generator, picture = load_translator(weights), photo(16, 20)
    with torch.no_grad():
        expected = (generator(picture[None] / 255)[0] + 1) / 2
    found = translated(generator, picture, shorter=None)
    assert found.dtype == torch.uint8
    torch.testing.assert_close(found / 255, expected, atol=0.5 / 255 + 1e-6, rtol=0)


@pytest.mark.parametrize(
    ("size", "shorter", "due"), [((1220, 1500), 64, (64, 80)), ((45, 30), 20, (32, 20)), ((17, 9), None, (20, 12))]
)
def test_sizes(weights: Path, size: tuple[int, int], shorter: int | None, due: tuple[int, int]) -> None:
    assert translated(load_translator(weights), photo(*size), shorter=shorter).shape == (3, *due)


def test_weights_in_the_data_folder_are_found_by_their_name(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "weights").mkdir(parents=True)
    weights.rename(tmp_path / "data" / "weights" / "small.pth")
    assert isinstance(load_translator(Path("small.pth")), ResNetGenerator)


def test_missing_weights_say_where_to_get_them_and_where_to_put_them(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_translator(Path("horse2zebra_0.4.0.pth"))
    lines = str(caught.value).splitlines()
    assert lines[0] == "The weights horse2zebra_0.4.0.pth are not here. To have them:"
    assert lines[1].startswith("  get  https://github.com/deep-learning-with-pytorch/")
    assert lines[2] == f"  to   {tmp_path / 'data' / 'weights' / 'horse2zebra_0.4.0.pth'}"
    with pytest.raises(DataError, match="no file of weights other.pth, nor"):
        load_translator(Path("other.pth"))


def test_other_weights_and_pictures_are_refused(weights: Path, tmp_path: Path) -> None:
    torch.save(Net().state_dict(), tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"not of a CycleGAN's generator.*It has conv1\.weight"):
        load_translator(tmp_path / "net.pt")
    half = {name: tensor for name, tensor in torch.load(weights, weights_only=True).items() if "model.4" not in name}
    torch.save(half, tmp_path / "half.pt")
    with pytest.raises(ModelError, match=r"model\.4\.weight"):
        load_translator(tmp_path / "half.pt")
    with pytest.raises(DataError, match="40×4 pixels; a generator needs 8×8"):
        translated(load_translator(weights), photo(4, 40), shorter=None)


def a_run(folder: Path) -> tuple[Run, CycleGAN]:
    """A run of a small CycleGAN with a checkpoint."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = CycleGAN(width=2, blocks=1, layers=1)
    run = create_run(folder, "cyclegan", {"recipe": "cyclegan", "parameters": {}, "task": {"kind": "Translation"}})
    write_checkpoint(run.checkpoint_folder, Snapshot(step=3, best=True, parts={"model": model.state_dict()}, facts={}))
    return run, model


@pytest.mark.parametrize("back", [False, True])
def test_the_generators_of_a_run_are_shown_values_from_minus_1(tmp_path: Path, back: bool) -> None:
    run, model = a_run(tmp_path)
    picture = photo(16, 20)
    with torch.no_grad():
        expected = ((model.b_to_a if back else model.a_to_b)(picture[None] / 127.5 - 1)[0] + 1) / 2
    found = translated(translator_of(run, back=back), picture, shorter=None, signed=True)
    torch.testing.assert_close(found / 255, expected, atol=0.5 / 255 + 1e-6, rtol=0)


def test_the_verb_takes_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[..., tuple[int, str, str]]
) -> None:
    run, _ = a_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    save_picture(photo(30, 45), Path("photo.png"))
    assert said("translate", "photo.png", "--weights", run.name, "--out", "a.png") == (0, "a.png: 48×32 pixels\n", "")
    assert said("translate", "photo.png", "--weights", run.name, "--out", "b.png", "--back")[0] == 0
    assert Path("a.png").read_bytes() != Path("b.png").read_bytes()
    assert "stepwell translate photo.png --weights" in said("look", run.name, "photo.png")[2]
    assert "stepwell translate photo.png --weights" in said("predict", run.name, "photo.png")[2]
    code, _, err = said("translate", "photo.png", "--back")
    assert (code, err[:34]) == (2, "error: --back is for a run, which ")


def test_a_run_of_another_model_has_no_generator(tmp_path: Path) -> None:
    run = create_run(tmp_path, "net", {})
    parts = {"model": Net().state_dict()}
    write_checkpoint(run.checkpoint_folder, Snapshot(step=1, best=True, parts=parts, facts={}))
    with pytest.raises(RunError, match="no run of the recipe cyclegan"):
        translator_of(run)


def test_pictures_are_saved_in_the_format_of_the_name(tmp_path: Path) -> None:
    save_picture(photo(), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert (image.format, image.size) == ("PNG", (45, 30))
    for name in ("out.xyz", "out.psd"):  # Pillow reads the second, and cannot write it
        with pytest.raises(DataError, match=rf"{name} ends in no format that pictures can be written in"):
            save_picture(photo(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
