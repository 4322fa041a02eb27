"""The page of `stepwell look`."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np

from stepwell.reports.looked import Look, Near, Network, looked

GENERATOR = np.random.default_rng(0)
PICTURE = (GENERATOR.random((1, 12, 10)) * 255).astype(np.uint8)
NETWORK = Network(GENERATOR.normal(size=(4, 1, 3, 3)), "conv1", notes=["No <training> pictures."])
LOOK = Look(
    name="<cat>.png",
    given=PICTURE,
    photo=(GENERATOR.random((3, 600, 900)) * 255).astype(np.uint8),
    label="<i>cat</i>",
    probabilities={"<i>cat</i>": 0.52, "dog": 0.4, **{f"other {number}": 0.01 for number in range(8)}},
    overlays={name: GENERATOR.normal(size=(12, 10)) for name in ("Grad-CAM", "occlusion", "gradient")},
    layer="conv2",
    patch=3,
    layers={"conv1": GENERATOR.normal(size=(4, 10, 8)), "fc": GENERATOR.normal(size=10)},
    near=[Near(PICTURE, "dog", 0.0123)],
)


class Checked(HTMLParser):
    """Counts tags, and whether all that are opened are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "img", "br", "use", "path", "rect", "image"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("use", "path", "rect", "image"):
            assert self.open.pop() == tag


def checked(html: str) -> list[str]:
    parser = Checked()
    parser.feed(html)
    assert parser.open == []
    return parser.seen


def test_the_whole_page() -> None:
    html = looked("<cat>.png", NETWORK, [LOOK], "as run sees it")
    tags = checked(html)
    assert tags.count("h2") == 6
    for title in ("What it says", "Where it looks", "Layer by layer", "Nearest training pictures", "First filters"):
        assert f"<h2>{title}</h2>" in html
    assert "<cat>" not in html
    assert "<i>cat" not in html
    assert "52.0% sure. The second guess is close." in html
    assert "2 more classes share the rest." in html
    assert "maps of the layer conv2" in html
    assert "square of 3 × 3 pixels" in html
    assert "900 × 600 pixels" in html
    assert "10 × 12 pixels, grey" in html
    assert "distance 0.012" in html
    assert "No &lt;training&gt; pictures." in html
    assert not re.search(r'(src|href)="(?!data:|#)', html)


def test_several_pictures_have_their_own_sections() -> None:
    html = looked("two", NETWORK, [LOOK, replace(LOOK, name="dog.png", photo=None, near=())])
    checked(html)
    assert "What it says: &lt;cat&gt;.png" in html
    assert "Layer by layer: dog.png" in html
    assert html.count("<h2>Nearest training pictures") == 1
    assert html.count("<h2>First filters</h2>") == 1
    anchors = re.findall(r'<section id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))


def test_a_layer_map_by_map() -> None:
    asked = {"conv2": GENERATOR.normal(size=(70, 5, 4)), "fc": GENERATOR.normal(size=7)}
    html = looked("one", NETWORK, [replace(LOOK, asked=asked)])
    assert "conv2: the first 64 of 70 maps of 5 × 4" in html
    assert "The layer that was asked for" in html


def test_little_is_known() -> None:
    bare = replace(LOOK, photo=None, probabilities={}, overlays={}, layers={}, near=())
    html = looked("bare", Network(np.zeros((0, 1, 1, 1)), ""), [bare])
    checked(html)
    assert html.count("<h2>") == 1
