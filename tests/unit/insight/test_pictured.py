"""What a report shows of a network for pictures, as plain data."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from stepwell.insight.pictured import image_insight, packed, unpacked
from stepwell.models import DigitNet, FromPixels
from stepwell.plots import overlays
from stepwell.reports.page import page
from stepwell.reports.seen import seen

CLASSES = [f"class <{number}>" for number in range(10)]
PICTURES = (torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 255).byte()
TARGETS = torch.arange(40) % 10


def network() -> nn.Module:
    torch.manual_seed(0)
    return FromPixels(DigitNet(4), (0.5,), (0.5,)).train()


def test_json_holds_it_and_a_report_draws_it() -> None:
    model = network()
    found = json.loads(
        json.dumps(image_insight(model, PICTURES, TARGETS, CLASSES, most=3, rows=torch.arange(40) + 100))
    )
    assert model.training
    assert len(found["mistakes"]) == 3
    first = found["mistakes"][0]
    assert first["row"] >= 100
    assert first["true"] != first["predicted"]
    assert list(first["maps"]) == ["Grad-CAM", "occlusion"]
    assert unpacked(first["picture"]).shape == (1, 8, 8)
    assert (found["layer"], found["filters"]["layer"], found["filters"]["count"]) == ("features.2", "features.0", 4)
    sections = seen(found)
    assert [section.title for section in sections] == [
        "Where it looks when it is wrong",
        "Classes taken for each other",
        "First filters",
    ]
    html = page("t", sections)
    assert html.count("<svg") + html.count('class="plot"') >= 5
    assert "class <" not in html
    assert "class &lt;" in html


def test_nothing_is_shown_of_what_there_is_not() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    found = image_insight(linear, PICTURES, TARGETS, CLASSES)
    assert "filters" not in found
    assert list(found["mistakes"][0]["maps"]) == ["occlusion"]
    said = linear(PICTURES / 255).argmax(1)
    right = image_insight(linear, PICTURES, said, CLASSES)
    assert right["mistakes"] == right["confused"] == []
    assert [section.body_html for section in seen(right)] == ["", "", ""]
    assert [section.body_html for section in seen(None)] == ["", "", ""]
    assert seen(found)[0].body_html


def test_large_pictures_are_kept_small() -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(192, 3))
    large = (torch.rand(2, 3, 200, 300, generator=torch.Generator().manual_seed(2)) * 255).byte()
    wrong = 1 - model(large / 255).argmax(1).clamp(max=1)
    found = image_insight(model, large, wrong, CLASSES[:3], most=1)["mistakes"][0]
    assert unpacked(found["picture"]).shape == (3, 75, 112)
    overlays(unpacked(found["picture"]), {name: unpacked(each) for name, each in found["maps"].items()})


@pytest.mark.parametrize("shape", [(3, 4), (0, 2), (2, 3, 4)])
def test_packing(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    found = unpacked(json.loads(json.dumps(packed(values))))
    assert found.shape == shape
    assert np.abs(found - values).max(initial=0) <= np.abs(values).max(initial=0) / 254 + 1e-12
    assert (unpacked(packed(np.zeros(3))) == 0).all()
