"""Grad-CAM, occlusion and saliency: against what can be calculated, and leaving everything as it was."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.insight.classes import as_floats, both_logits, chosen, class_scores, probabilities_of
from stepwell.insight.gradcam import grad_cam, last_maps
from stepwell.insight.occlusion import occlusion
from stepwell.insight.saliency import saliency
from stepwell.models import FromPixels

BYTES = (torch.rand(3, 1, 12, 10, generator=torch.Generator().manual_seed(0)) * 255).byte()


class Averaging(nn.Module):
    """A convolution, the mean of each map, a linear layer: of it, Grad-CAM is known."""

    def __init__(self, outputs: int = 3, *, inplace: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(1, 4, 3)
        self.act = nn.ReLU(inplace=inplace)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(4, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(self.act(self.conv(x)).mean(dim=(2, 3))))


class Corner(nn.Module):
    """The logit of class 1 is the sum of the upper left 3 × 3 pixels, that of class 0 is the mean of all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x.mean(dim=(1, 2, 3)), x[:, :, :3, :3].sum(dim=(1, 2, 3))], dim=1)


def pixels(model: nn.Module) -> nn.Module:
    return FromPixels(model, (0.4,), (0.3,))


def test_grad_cam_of_averaged_maps_is_the_weighted_sum() -> None:
    model = pixels(Averaging())
    found = grad_cam(model, BYTES, 2, layer="net.act")
    maps = model.net.act(model.net.conv(model.normalised(BYTES)))
    expected = (model.net.fc.weight[2][:, None, None] / maps[0, 0].numel() * maps).sum(dim=1).relu()
    torch.testing.assert_close(found.coarse, expected.detach())
    drawn = F.interpolate(expected.detach()[:, None], (12, 10), mode="bilinear")[:, 0]
    torch.testing.assert_close(found.values, drawn / drawn.amax(dim=(1, 2), keepdim=True))
    assert found.classes.tolist() == [2, 2, 2]


def test_the_last_convolution_is_found_in_the_order_of_calls() -> None:
    class Twisted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second, self.first = nn.Conv2d(2, 2, 3), nn.Conv2d(1, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x)).mean(dim=(2, 3))

    assert grad_cam(Twisted(), BYTES / 255).layer == "second"
    assert grad_cam(pixels(Averaging()), BYTES).layer == "net.conv"


def test_in_place_activations_change_nothing() -> None:
    plain, in_place = (grad_cam(pixels(Averaging(inplace=flag)), BYTES, 1) for flag in (False, True))
    assert torch.equal(plain.values, in_place.values)


def test_bytes_and_floats_are_alike() -> None:
    model = pixels(Averaging())
    for explain in (grad_cam, occlusion, saliency):
        torch.testing.assert_close(explain(model, BYTES).values, explain(model, BYTES / 255).values)  # type: ignore[operator]


@pytest.mark.parametrize("explain", [grad_cam, occlusion, saliency])
def test_everything_is_left_as_it_was(explain: Callable[..., object]) -> None:
    model = pixels(Averaging()).train()
    model.net.fc.eval()
    model.net.conv.requires_grad_(False)
    model.net.fc.weight.grad = torch.ones_like(model.net.fc.weight)
    generator, before = torch.get_rng_state(), {name: each.clone() for name, each in model.state_dict().items()}
    with torch.no_grad():
        first, second = explain(model, BYTES), explain(model, BYTES)
    assert torch.equal(first.values, second.values)  # type: ignore[attr-defined]
    assert first.values.shape == (3, 12, 10)  # type: ignore[attr-defined]
    assert [model.net.training, model.net.fc.training] == [True, False]
    assert torch.equal(model.net.fc.weight.grad, torch.ones_like(model.net.fc.weight))
    assert model.net.conv.weight.grad is None
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_saliency_is_the_gradient() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(120, 3))
    found = saliency(linear, BYTES / 255, [0, 1, 2])
    torch.testing.assert_close(found.values, linear[1].weight.detach().abs().reshape(3, 12, 10))
    times = saliency(linear, BYTES / 255, [0, 1, 2], how="input_gradient")
    torch.testing.assert_close(times.values, found.values * (BYTES[:, 0] / 255))


def test_covering_the_corner_matters() -> None:
    found = occlusion(Corner(), torch.ones(1, 1, 12, 12), 1, patch=3, stride=3, fill=0.0)
    whole, covered = torch.tensor([1.0, 9.0]).softmax(0)[1], torch.tensor([135 / 144, 0.0]).softmax(0)[1]
    torch.testing.assert_close(found.values[0, :3, :3], (whole - covered).expand(3, 3))
    assert found.values[0].argmax() < 3 * 12
    assert (found.values[0, 3:, 3:] < 0.001).all()
    assert found.probability.item() == pytest.approx(whole.item())


def test_squares_cover_all_and_fill_with_the_mean() -> None:
    found = occlusion(Corner(), BYTES, patch=5, stride=4)
    assert found.values.shape == (3, 12, 10)
    assert found.patch == 5
    even = torch.full((1, 1, 12, 10), 0.5)
    assert occlusion(Corner(), even).values.abs().max() < 1e-6  # the mean of an even picture hides nothing
    assert occlusion(Corner(), even, 1, batch_size=3).values.shape == (1, 12, 10)


def test_two_classes_with_one_logit() -> None:
    model = pixels(Averaging(1))
    said = probabilities_of(model, BYTES)
    torch.testing.assert_close(said[:, 1], model.eval()(BYTES).sigmoid()[:, 0].detach())
    zero, one = (saliency(model, BYTES, label) for label in (0, 1))
    torch.testing.assert_close(zero.values, one.values)
    up, down = (grad_cam(model, BYTES, label).coarse for label in (1, 0))
    assert (up * down).abs().max() == 0  # what speaks for one speaks against the other
    assert saliency(model, BYTES).classes.tolist() == said.argmax(1).tolist()


def test_log_probabilities_are_understood() -> None:
    logits = Averaging()
    logs = nn.Sequential(logits, nn.LogSoftmax(dim=1))
    torch.testing.assert_close(probabilities_of(logs, BYTES / 255), probabilities_of(logits, BYTES / 255))


def test_what_is_refused() -> None:
    model = pixels(Averaging())
    with pytest.raises(ModelError, match=r"Pictures are \(n, channels, height, width\).*got \(12, 10\)"):
        saliency(model, BYTES[0, 0])
    with pytest.raises(ModelError, match="one for each of the 3 pictures, from 0 to 2; got 3"):
        saliency(model, BYTES, 3)
    with pytest.raises(ModelError, match=r"from 0 to 2; got \[0, 1\]"):
        grad_cam(model, BYTES, [0, 1])
    with pytest.raises(ModelError, match="no saliency 'smooth'"):
        saliency(model, BYTES, how="smooth")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="'net.fc' gives none. Name a convolution's layer"):
        grad_cam(model, BYTES, layer="net.fc")
    with pytest.raises(ModelError, match="no layer of the kind Conv2d"):
        grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(120, 2)), BYTES)
    with pytest.raises(ModelError, match="square of 11 .* 12 × 10"):
        occlusion(model, BYTES, patch=11)
    with pytest.raises(ModelError, match=r"one score each.*the model gives \(3, 4, 10, 8\)"):
        probabilities_of(nn.Sequential(nn.Conv2d(1, 4, 3)), BYTES)
    assert both_logits(torch.ones(2, 1)).tolist() == [[0, 1], [0, 1]]
    assert class_scores(torch.tensor([[2.0], [3.0]]), torch.tensor([0, 1])).tolist() == [-2, 3]
    assert chosen(torch.eye(2), None).tolist() == [0, 1]
    assert as_floats(BYTES, model).max() <= 1


class Block(nn.Module):
    """Two branches, joined by addition."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.left(x) + self.right(x)


def test_branches_are_looked_at_where_they_join() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), Block(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(40, 3))
    assert last_maps(model, BYTES) == "1"
    found = grad_cam(model, BYTES / 255)
    assert (found.layer, found.coarse.shape) == ("1", (3, 10, 8))
    named = grad_cam(model, BYTES / 255, layer="1.left")
    assert named.layer == "1.left"


def test_maps_of_one_pixel_do_not_count() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Conv2d(2, 4, (10, 8)), nn.Flatten(), nn.Linear(4, 3))
    assert grad_cam(model, BYTES / 255).layer == "0"
    with pytest.raises(ModelError, match="more than a pixel"):
        last_maps(nn.Sequential(nn.Conv2d(1, 4, (12, 10)), nn.Flatten(), nn.Linear(4, 3)), BYTES)


def test_pictures_become_floats_batch_by_batch() -> None:
    """Of 100 pictures of 224 × 224 no more than 32 MB of floats are made at once; the answers are those of one batch."""
    pictures, seen = torch.zeros(1, 3, 224, 224, dtype=torch.uint8).expand(100, -1, -1, -1), list[int]()
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    model.register_forward_pre_hook(lambda module, given: seen.append(given[0].untyped_storage().nbytes()))
    said = probabilities_of(model, pictures)
    assert said.shape == (100, 2)
    assert len(seen) == 2
    assert max(seen) <= 2**25
    seen.clear()
    probabilities_of(model, BYTES[:1].expand(7, 3, -1, -1), batch_size=3)
    assert len(seen) == 3
