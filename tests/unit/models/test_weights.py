import copy
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.models import FromPixels, SmallNet
from stepwell.models.heads import replace_head
from stepwell.models.inception import Inception
from stepwell.models.resnet import ResidualBlock, ResNet
from stepwell.models.state_files import read_state
from stepwell.models.weights import LoadReport, compare, load_weights


def small(seed: int, classes: int = 4) -> SmallNet:
    with seeded(seed):
        return SmallNet(classes, width=4)


def same(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


WRAPPED = {
    "bare": lambda state: state,
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
    "model_state": lambda state: {"model_state": state, "sys_argv": ["train.py"]},
    "model": lambda state: {"model": {"state_dict": state}},
    "DataParallel": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "both": lambda state: {"state_dict": {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}},
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("how", WRAPPED)
def test_wrapped_or_not_the_weights_are_loaded(how: str, legacy: bool, tmp_path: Path) -> None:
    given, model = small(1), small(2)
    torch.save(WRAPPED[how](given.state_dict()), tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)
    report = load_weights(model, tmp_path / "w.pth")
    assert report.fits
    assert report.loaded == tuple(model.state_dict())
    assert str(report) == "26 loaded"
    assert same(given, model)


def test_safetensors(tmp_path: Path) -> None:
    given, model = small(1), small(2)
    save_file(given.state_dict(), tmp_path / "w.safetensors")
    load_weights(model, tmp_path / "w.safetensors")
    assert same(given, model)
    (tmp_path / "broken.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match="broken.safetensors cannot be read as safetensors"):
        read_state(tmp_path / "broken.safetensors")


def test_a_file_of_a_bare_network_goes_behind_pixels(tmp_path: Path) -> None:
    given, model = small(1), FromPixels(small(2), (0.5,) * 3, (0.2,) * 3)
    torch.save(given.state_dict(), tmp_path / "w.pth")
    load_weights(model, tmp_path / "w.pth")
    assert same(given, model.net)
    torch.save(FromPixels(small(3), (0.1,) * 3, (0.3,) * 3).state_dict(), tmp_path / "p.pth")
    load_weights(model, tmp_path / "p.pth")
    assert same(small(3), model.net)
    assert model.mean.flatten().tolist() == pytest.approx([0.1] * 3)


def test_old_files_lack_counters(tmp_path: Path) -> None:
    given = small(1)
    old = {name: tensor for name, tensor in given.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "w.pth")
    report = load_weights(small(2), tmp_path / "w.pth")
    assert report.fits
    assert len(report.loaded) == len(old) == 22


def test_half_precision_becomes_the_models(tmp_path: Path) -> None:
    given, model = small(1), small(2)
    torch.save({name: tensor.half() for name, tensor in given.state_dict().items()}, tmp_path / "w.pth")
    load_weights(model, tmp_path / "w.pth")
    assert model.fc.weight.dtype == torch.float32
    torch.testing.assert_close(model.fc.weight, given.fc.weight, rtol=1e-3, atol=1e-4)


def test_another_architecture_is_refused_with_keys_shapes_and_what_it_looks_like(tmp_path: Path) -> None:
    model = small(2)
    before = copy.deepcopy(model)
    torch.save(ResNet(ResidualBlock, (2, 2, 2, 2), 7).state_dict(), tmp_path / "w.pth")
    with pytest.raises(ModelError) as caught:
        load_weights(model, tmp_path / "w.pth")
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{tmp_path / 'w.pth'} does not fit SmallNet:"
    assert "of the same name and shape" not in str(caught.value)
    assert "  20 missing in the file: features.0.weight, features.2.weight, features.2.bias" in str(caught.value)
    assert "  120 unexpected in the file: conv1.weight, bn1.weight" in str(caught.value)
    assert "    fc.weight: (7, 512) in the file, (4, 32) in the model" in str(caught.value)
    assert lines[-1] == "It looks like resnet18 with 7 classes and 3 channels."
    assert same(before, model)


def test_who_begins_with_published_weights_is_told_which_backbone_they_are_of(tmp_path: Path) -> None:
    torch.save(ResNet(ResidualBlock, (2, 2, 2, 2), 7).state_dict(), tmp_path / "w.pth")
    with pytest.raises(ModelError) as caught:
        load_weights(SmallNet(4), tmp_path / "w.pth", head="skip")
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("w.pth does not fit the network 'small':")
    assert lines[-1].endswith("Make that network: --backbone resnet18, in Python backbone('resnet18').")
    with pytest.raises(ModelError, match="resnet18 with 7 classes and 3 channels.$"):
        load_weights(ResNet(ResidualBlock, (2, 2, 2, 2), 7, 1), tmp_path / "w.pth", head="skip")


def test_another_number_of_classes_is_told_apart(tmp_path: Path) -> None:
    torch.save(small(1, classes=9).state_dict(), tmp_path / "w.pth")
    with pytest.raises(
        ModelError, match=r"Only the head differs: it has 9 classes in the file\. Load the rest with head='skip'"
    ):
        load_weights(small(2), tmp_path / "w.pth")


def test_the_head_is_skipped_on_request(tmp_path: Path) -> None:
    given, model = small(1, classes=9), small(2)
    kept = model.fc.weight.clone()
    torch.save(given.state_dict(), tmp_path / "w.pth")
    report = load_weights(model, tmp_path / "w.pth", head="skip")
    assert report.skipped == ("fc.weight", "fc.bias")
    assert report.fits
    assert torch.equal(model.fc.weight, kept)
    assert same(given.features, model.features)
    pixels = FromPixels(replace_head(small(3), 2), (0.5,) * 3, (0.2,) * 3)
    assert load_weights(pixels, tmp_path / "w.pth", head="skip").skipped == ("fc.weight", "fc.bias")


def test_not_strict_takes_what_fits(tmp_path: Path) -> None:
    given, model = small(1, classes=9), small(2)
    torch.save({**given.state_dict(), "more": torch.ones(2)}, tmp_path / "w.pth")
    report = load_weights(model, tmp_path / "w.pth", strict=False)
    assert (report.unexpected, report.missing) == (("more",), ())
    assert report.shapes == (("fc.weight", (9, 32), (4, 32)), ("fc.bias", (9,), (4,)))
    assert same(given.features, model.features)
    torch.save({"other": torch.ones(2)}, tmp_path / "n.pth")
    with pytest.raises(ModelError, match=r"None of the 1 tensors of .*n\.pth fits SmallNet"):
        load_weights(model, tmp_path / "n.pth", strict=False)


def test_a_side_head_that_the_model_was_made_without_is_left_out() -> None:
    with torch.device("meta"):
        whole, without = Inception(5), Inception(5, side_head=False)
    report = compare(without, whole.state_dict(), skip=("AuxLogits",))
    assert report.fits
    assert all(name.startswith("AuxLogits.") for name in report.skipped)
    assert not compare(without, whole.state_dict()).fits


class Whole(nn.Linear):
    """A model that somebody pickled as a whole."""


def test_a_pickled_model_is_refused_with_a_mend(tmp_path: Path) -> None:
    torch.save(Whole(2, 3), tmp_path / "w.pth")
    with pytest.raises(
        ModelError, match=r"holds more than weights: loading it would run code of [\w.]+, which"
    ) as caught:
        read_state(tmp_path / "w.pth")
    assert "torch.save(torch.load(FILE, weights_only=False).state_dict(), 'weights.pth')" in str(caught.value)


def test_what_is_no_file_of_weights(tmp_path: Path) -> None:
    for content in (b"", b"hello, I am no file of weights", b"PK\x03\x04 cut", b"PK\x05\x06" + b"\x01" * 18):
        (tmp_path / "w.pth").write_bytes(content)
        with pytest.raises(
            ModelError, match=r"w\.pth cannot be read as a file of weights: .*Get the file anew"
        ) as caught:
            read_state(tmp_path / "w.pth")
        assert "weights_only" not in str(caught.value)
    torch.save(small(1).state_dict(), tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be read as a file of weights"):
        read_state(tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"There is no file of weights .*none\.pth\."):
        read_state(tmp_path / "none.pth")


def test_other_contents_are_named(tmp_path: Path) -> None:
    for content, said in (
        (torch.ones(2, 3), r"holds one tensor \(2, 3\); a file of weights holds a dictionary"),
        ([1, 2], "holds a list"),
        ({"epoch": 3, "loss": 0.2}, "holds no tensors by name, so it is no file of weights. It holds epoch, loss"),
        ({}, "It holds nothing"),
    ):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(ModelError, match=said):
            read_state(tmp_path / "w.pth")


def test_a_torchscript_program_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("w/constants.pkl", b"")
    with pytest.raises(ModelError, match="is a TorchScript program, not a file of weights"):
        read_state(tmp_path / "w.pth")


def test_a_report_in_words() -> None:
    report = LoadReport(loaded=("a", "b"), missing=("c",), skipped=("d",), shapes=(("e", (1,), (2,)),))
    assert str(report).splitlines() == [
        "2 of the same name and shape",
        "1 skipped (the head): d",
        "1 missing in the file: c",
        "1 of another shape:",
        "  e: (1,) in the file, (2,) in the model",
    ]


def test_a_dictionary_that_holds_itself_is_refused(tmp_path: Path) -> None:
    endless: dict[str, object] = {}
    endless["model"] = endless
    torch.save(endless, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="holds dictionaries in each other, more than 8 deep; a file of weights holds"):
        read_state(tmp_path / "w.pth")
