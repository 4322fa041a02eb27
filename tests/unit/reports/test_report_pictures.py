"""What a report says of runs on pictures: files, augmentation, the network inside, and what generators make."""

import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from stepwell.insight.pictured import packed
from stepwell.reports import render
from stepwell.reports.background import model
from stepwell.reports.columns import data
from stepwell.reports.learning import spoken
from stepwell.reports.pictures import augmented, made
from stepwell.reports.seen import seen


@dataclass(frozen=True)
class Row:
    row: int
    input: np.ndarray
    loss: float = 3.0
    target: str = "8"
    predicted: str = "1"
    confidence: float | None = 0.97


@dataclass(frozen=True)
class Result:
    split: str = "val"
    rows: int = 30
    metrics: dict = field(default_factory=dict)
    confusion: np.ndarray | None = None
    classes: list = field(default_factory=list)
    worst: list = field(default_factory=list)
    targets: np.ndarray | None = None
    values: np.ndarray | None = None
    ranking: object = None
    calibration: object = None


READER = {
    "kind": "images",
    "title": "photos",
    "classes": ["cat", "dog"],
    "size": [32, 32],
    "channels": 3,
    "mean": [0.48766059027777784, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "counts": {"train": {"cat": 70, "dog": 70}},
    "broken": [["b/bomb.png", "has more than 9 pixels (a bomb)."], ["b/<text>.jpg", "cannot be read"]],
    "notes": ["Two were scaled."],
}
DRAWN = {"what": "Augment(Flip(), Shift(pixels=2))", **{"pictures": packed(np.ones((2, 3, 8, 8)))}}
AUGMENTED = {"augmented": {**DRAWN, "draws": packed(np.ones((6, 2, 3, 8, 8)))}}
MISTAKE = {
    "row": 130,
    "true": "cat",
    "predicted": "dog",
    "confidence": 0.9,
    "picture": packed(np.ones((3, 8, 8))),
    "maps": {"occlusion": packed(np.ones((8, 8)))},
}
PAIR = {"true": "cat", "predicted": "dog", "share": 0.07, "pictures": [packed(np.ones((3, 8, 8)))]}


def test_the_data_leave_out_what_the_pictures_say() -> None:
    body = data({"reader": READER, "data": {"train": 140}}).body_html
    assert "photos" in body
    assert not any(each in body for each in ("{", "0.4876", "Two were scaled", "counts"))
    assert "2 files left out" in body
    assert (
        '<th class="name">b/bomb.png</th><td class="name"><div class="values">has more than 9 pixels (a bomb)<' in body
    )
    assert "b/&lt;text&gt;.jpg" in body
    assert ".," not in body
    assert "left out" not in data({"reader": {**READER, "broken": []}}).body_html
    assert "title" in data({"reader": {"title": "x", "size": [1, 2]}}).body_html


def test_an_augmentation_is_told_as_it_was_asked_for() -> None:
    asked = {"parameters": {"augment": ["flip", "shift:2"]}}
    assert '<span class="option">--augment</span> flip,shift:2.' in augmented(AUGMENTED, asked).body_html
    for facts in ({}, {"parameters": {"augment": True}}, {"parameters": {"augment": []}}):
        assert "Shift(pixels=2)" in augmented(AUGMENTED, facts).body_html


def test_mistakes_name_their_files() -> None:
    rows = {"130": {"file": "cat/<12>.jpg", "class": "cat"}}
    assert "row 130, cat/&lt;12&gt;.jpg" in seen({"mistakes": [MISTAKE], "rows": rows})[0].body_html
    assert "row 130</figcaption>" in seen({"mistakes": [MISTAKE]})[0].body_html
    worst = [Row(5, np.ones((1, 8, 8))), Row(7, np.ones((1, 8, 8)))]
    page = render({}, [], evaluation=Result(worst=worst), insight={"rows": {"5": {"file": "dog/7.png"}}})
    assert "row 5<br>dog/7.png" in page
    assert "row 7</figcaption>" in page


@pytest.mark.parametrize(("rows", "said"), [(1, "1 row,"), (2, "2 rows,")])
def test_one_row_is_one_row(rows: int, said: str) -> None:
    body = seen({"confused": [{**PAIR, "rows": rows}]})[1].body_html
    assert said.rstrip(",") + '"' in body


def test_the_network_is_named_with_what_learns() -> None:
    layers = [{"layer": "net.fc", "kind": "Linear"}, {"layer": "features.0", "kind": "Conv2d"}]
    facts = {"model": {"class": "ResNet", "parameters": 11_177_538, "trainable": 1026, "layers": layers}}
    body = model(facts).body_html
    assert "ResNet, 11,177,538 parameters, of which 1,026 learn." in body
    assert '<th class="name">fc</th>' in body
    assert '<th class="name">features.0</th>' in body
    assert "of which 1,026 learn" in render(facts, [])
    assert "learn" not in model({"model": {"parameters": 5, "trainable": 5}}).body_html


def test_of_two_classes_the_rates_say_of_which_they_are() -> None:
    assert spoken("precision", ["cat", "ship"]) == "precision of ship"
    assert spoken("f1", ["0", "1"]) == "F1 of class 1"
    assert spoken("recall", ["a", "b", "c"]) == spoken("recall") == "recall"
    assert spoken("accuracy", ["a", "b"]) == "accuracy"
    two = Result(metrics={"recall": 0.5}, confusion=np.eye(2, dtype=int), classes=["cat", "<ship>"])
    assert "recall of &lt;ship&gt; 0.5" in render({}, [], evaluation=two)


def test_what_generators_make_is_shown_in_place_of_worst_rows() -> None:
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "PNG")
    facts = {"task": {"kind": "Translation"}, "parameters": {"kinds": ["horse", "deer"]}}
    nothing = Row(0, np.zeros((2, 3, 32, 32)))
    page = render(facts, [], evaluation=Result(worst=[nothing]), drawn=(20, file.getvalue()))
    assert "<h2>What it makes</h2>" in page
    assert "data:image/png;base64,iVBOR" in page
    assert "After epoch 20. Each row: a picture of horse, what the network makes of it as deer" in page
    assert "Worst mistakes" not in page
    assert "6,144 values" not in page
    assert "6144" not in page
    assert made(facts, None).body_html == ""
    assert "one kind" in made({}, (1, file.getvalue())).body_html
