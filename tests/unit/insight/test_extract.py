from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stepwell import ArraySource, Experiment, Multiclass, fit
from stepwell.core.devices import seeded
from stepwell.core.errors import DataError, ModelError
from stepwell.data.splits import Splits
from stepwell.insight.extract import attach, body_fingerprint, extract, read_facts, read_features
from stepwell.models import FromPixels, SmallNet
from stepwell.models.heads import without_head


def pixels_net(seed: int = 1) -> FromPixels:
    """A network with statistics that are not 0 and 1."""
    with seeded(seed):
        model = FromPixels(SmallNet(4, width=8), (0.5,) * 3, (0.2,) * 3)
        model(torch.rand(16, 3, 16, 16))
    return model


@pytest.fixture
def source() -> ArraySource:
    draw = torch.Generator().manual_seed(3)
    pictures = torch.randint(0, 256, (37, 3, 16, 16), dtype=torch.uint8, generator=draw)
    return ArraySource(pictures, torch.randint(0, 3, (37,), generator=draw))


def test_features_targets_and_rows_are_kept(source: ArraySource, tmp_path: Path) -> None:
    model = pixels_net()
    kept = extract(model, source, tmp_path / "new" / "f.safetensors", batch_size=8, facts={"classes": ["a", "b", "c"]})
    assert model.training
    again = read_features(tmp_path / "new" / "f.safetensors", model)
    assert torch.equal(kept.inputs, again.inputs)
    assert torch.equal(again.targets, source.targets)
    assert again.inputs.shape == (37, 64)
    assert read_facts(tmp_path / "new" / "f.safetensors") == {
        "format": 1,
        "body": body_fingerprint(model),
        "network": "SmallNet",
        "classes": ["a", "b", "c"],
    }
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["f.safetensors"]


def test_they_are_what_the_body_gives(source: ArraySource, tmp_path: Path) -> None:
    model = pixels_net().eval()
    with torch.no_grad():
        due = without_head(model)(source.inputs)
    whole = extract(model, source, tmp_path / "f.safetensors", batch_size=37).inputs
    assert torch.equal(whole, due)
    torch.testing.assert_close(extract(model, source, tmp_path / "f.safetensors", batch_size=5).inputs, due)


def test_a_head_trained_on_features_says_the_same_on_pictures(source: ArraySource, tmp_path: Path) -> None:
    """To the bit, in the same batches."""
    model = pixels_net()
    kept = extract(model, source, tmp_path / "f.safetensors", batch_size=10)
    with seeded(17):
        head = nn.Linear(64, 3)
    data = Splits(train=kept, val=kept)
    fit(Experiment(data=data, model=head, task=Multiclass(classes=3), epochs=5, batch_size=8))
    whole = attach(model, head, tmp_path / "f.safetensors").eval()
    with torch.no_grad():
        on_pictures = torch.cat([whole(part) for part in source.inputs.split(10)])
        on_features = torch.cat([head(part) for part in kept.inputs.split(10)])
    assert torch.equal(on_pictures, on_features)
    assert isinstance(model.net.fc, nn.Linear)
    assert model.net.fc.out_features == 4


def test_rows_without_targets(source: ArraySource, tmp_path: Path) -> None:
    kept = extract(pixels_net(), ArraySource(source.inputs), tmp_path / "f.safetensors")
    assert kept.targets is None
    assert read_features(tmp_path / "f.safetensors").targets is None


def test_another_body_is_refused(source: ArraySource, tmp_path: Path) -> None:
    model, path = pixels_net(), tmp_path / "f.safetensors"
    extract(model, source, path)
    other = pixels_net(2)
    for refuse in (lambda: read_features(path, other), lambda: attach(other, nn.Linear(64, 3), path)):
        with pytest.raises(ModelError, match=r"were made by another body \(SmallNet, \w{8}…\) than this SmallNet has"):
            refuse()
    with pytest.raises(ModelError, match="The head takes 16 features a row, the body gives 64"):
        attach(model, nn.Linear(16, 3), path)


def test_the_fingerprint_is_of_the_body_alone() -> None:
    model = pixels_net()
    before = body_fingerprint(model)
    with torch.no_grad():
        model.net.fc.weight.add_(1)
    assert body_fingerprint(model) == before
    with torch.no_grad():
        model.net.features[0].weight[0, 0, 0, 0] += 1e-6
    assert body_fingerprint(model) != before


def test_files_that_are_none(source: ArraySource, tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    with pytest.raises(DataError, match=r"There are no features .*f\.safetensors\. Make them"):
        read_features(path)
    path.write_bytes(b"hello")
    with pytest.raises(DataError, match="cannot be read as features"):
        read_features(path)
    save_file({"x": torch.ones(2)}, path)
    with pytest.raises(DataError, match="holds no features that Stepwell kept; it holds x"):
        read_features(path)
    with pytest.raises(DataError, match="The source has no rows"):
        extract(pixels_net(), ArraySource(source.inputs[:0]), path)
    with pytest.raises(DataError, match="Targets that are kept are one tensor, these are a dict"):
        extract(pixels_net(), ArraySource(source.inputs, {"a": source.targets}), path)
