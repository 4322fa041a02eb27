"""Pages and their parts: escaped, self-contained, without ids that clash."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from stepwell import plots
from stepwell.plots import style
from stepwell.reports import Section, page
from stepwell.reports.css import DARK, LIGHT
from stepwell.reports.page import code, figure, figures_row, table, tiles, warning
from stepwell.reports.text import Html, duration, escape, moment, number

HOSTILE = "<script>alert('x')</script>&\"\x00"


def curve(name: str = "train") -> Figure:
    return plots.curves([1, 2, 3], {name: [3.0, 2.0, 1.0]}, ylabel="loss", best=3)


class Tags(HTMLParser):
    """Collects tags and ids, and checks that what opens also closes."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_page_has_its_sections_and_links_to_them() -> None:
    made = page(
        "A title", [Section("", "<p>head</p>"), Section("One thing", "<p>1</p>", "why"), Section("Two", "<p>2</p>")]
    )
    assert made.startswith("<!doctype html>")
    assert '<section id="one-thing">\n<h2>One thing</h2>\n<p class="note">why</p>\n<p>1</p>' in made
    assert '<a href="#one-thing">One thing</a>' in made
    assert made.index("<p>head</p>") < made.index("<nav")
    Tags(made)


def test_empty_sections_are_left_out() -> None:
    assert "Nothing" not in page("t", [Section("Nothing", ""), Section("Some", "x")])


def test_text_is_escaped_everywhere() -> None:
    parts = (
        table([(HOSTILE, 1)], (HOSTILE, "n"))
        + code(HOSTILE)
        + warning(HOSTILE)
        + tiles([(HOSTILE, HOSTILE, HOSTILE)])
        + figure(curve(HOSTILE), HOSTILE, HOSTILE)
    )
    made = page(HOSTILE, [Section(HOSTILE, parts, HOSTILE)], HOSTILE)
    assert "<script" not in made
    assert "\x00" not in made
    assert "script" not in Tags(made).tags
    made.encode()


def test_html_stays_and_numbers_are_written_for_people() -> None:
    assert escape(Html("<b>")) == "<b>"
    assert escape(None) == "–"
    assert [number(value) for value in (1234567, 0.123456, 12345.6, float("nan"), True, 1e-9, np.int64(5000))] == [
        *("1,234,567", "0.1235", "12,346", "–", "True", "1e-09", "5,000")
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4167, "0.42 s"), (12.34, "12.3 s"), (192, "3 min 12 s"), (7500, "2 h 5 min"), (float("nan"), "–")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_moments() -> None:
    assert moment("2026-11-21T14:05:11+00:00") == "21 November 2026, 14:05 UTC"
    assert moment("some day") == "some day"


def test_columns_of_numbers_are_set_right() -> None:
    made = table([("a", 1, 2.5), ("b", None, "x")], ("name", "count", "mixed"))
    assert '<th class="num">count</th><th class="name">mixed</th>' in made
    assert table([]) == ""
    Tags(table([("a",), ("b", 1)]))


def test_figures_are_drawings_that_follow_the_page() -> None:
    made = figure(curve(), "a <curve>", "below")
    assert 'aria-label="a &lt;curve&gt;"' in made
    assert "var(--blue)" in made
    assert not re.findall(": #[0-9a-f]{6}", made)
    assert ">train</text>" in made
    assert "<figcaption>below</figcaption>" in made
    assert "font-family" not in made
    Tags(made)


def test_figures_are_the_same_each_time() -> None:
    assert figure(curve(), "a") == figure(curve(), "a")


def test_ids_of_two_figures_do_not_clash_and_all_are_found() -> None:
    made = figures_row(
        figure(curve("one"), "1"), figure(curve("two"), "2"), figure(plots.confusion(np.eye(3), "abc"), "3")
    )
    ids = Tags(made).ids
    assert len(ids) == len(set(ids)) > 2
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', made)) == set(ids)


def test_pictures_in_figures_travel_inside() -> None:
    made = figure(plots.images(np.random.default_rng(0).random((2, 4, 4))), "noise")
    assert made.count('href="data:image/png;base64,') == 2


def test_a_heavy_figure_becomes_a_png() -> None:
    heavy = plots.confusion(np.arange(3600.0).reshape(60, 60), [str(i) for i in range(60)])
    assert '<img class="plot" alt="heavy &quot;one&quot;" src="data:image/png;base64,' in figure(heavy, 'heavy "one"')


def test_a_figure_that_xml_cannot_hold_becomes_a_png() -> None:
    own = Figure()
    own.text(0.5, 0.5, "\x08")
    assert "<img" in figure(own, "control")


def test_letters_that_matplotlib_lacks_are_left_to_the_browser() -> None:
    assert ">猫 🐈</text>" in figure(curve("猫 🐈"), "cats")


def test_light_and_dark_name_the_same_colours_and_are_readable() -> None:
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6})", theme)) for theme in (LIGHT, DARK))
    assert light.keys() == dark.keys()
    names = set(re.findall(r"var\(--(\w+)\)", page("t", [Section("s", figure(curve(), "a"))])))
    assert names <= light.keys()
    assert {style.BLUE, style.VERMILLION} <= set(light.values())
    for theme in (light, dark):
        for name in theme.keys() - {"paper", "panel", "line"}:
            assert contrast(theme[name], theme["paper"]) >= 4.5
            assert contrast(theme[name], theme["panel"]) >= 4.5


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
