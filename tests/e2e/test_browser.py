"""Pages in a real browser: nothing complains, the threshold moves, nothing is wider than a phone."""

from collections.abc import Iterator
from pathlib import Path

import browser
import numpy as np
import pytest

from stepwell.recipes.launch import train
from stepwell.recipes.recipe import load
from stepwell.reports import render
from stepwell.reports.compare import render_comparison
from stepwell.reports.rivals import Rival
from stepwell.runs import Run

_FOUND = browser.find()
pytestmark = pytest.mark.skipif(
    _FOUND is None,
    reason=f"No browser: none of {', '.join(browser.NAMES)} is on the path. On Debian: apt-get install chromium",
)
_SHOWN = "Object.fromEntries([...document.querySelectorAll('[data-show]')].map(e => [e.dataset.show, e.textContent]))"
_LISTED = """[...document.querySelectorAll('#threshold-list tbody tr')].map(
    row => [...row.children].map(cell => cell.textContent))"""
_RING = "[...document.querySelectorAll('circle[data-x]')].map(c => [c.getAttribute('cx'), c.getAttribute('cy')])"
_ORDER = ("threshold", "tp", "fp", "fn", "tn", "precision", "recall", "f1", "accuracy")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run of two classes, with its report."""
    out = tmp_path_factory.mktemp("runs")
    launched = train(load("moons"), {"epochs": 20, "points": 400}, out=str(out))
    assert launched.run is not None
    return launched.run


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    assert _FOUND is not None
    with browser.Page(_FOUND, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def address(run: Run) -> str:
    return (run.folder / "report.html").as_uri()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_nothing_complains_and_nothing_is_loaded(run: Run, page: browser.Page, width: int, dark: bool) -> None:
    page.show(address(run), width, dark=dark)
    assert page.evaluate("document.querySelector('h1').textContent") == "moons"
    assert page.complaints() == []
    assert page.requested() == [address(run)]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(21, 23, 26)" if dark else "rgb(253, 253, 252)")


@pytest.mark.parametrize("place", [0, 3, -1])
def test_the_threshold_of_the_address_changes_the_counts(run: Run, page: browser.Page, place: int) -> None:
    page.show(address(run))
    row = page.evaluate(_LISTED)[place]
    page.show(f"{address(run)}#threshold={row[0]}")
    shown = page.evaluate(_SHOWN)
    assert float(shown["threshold"]) == float(row[0])
    assert [shown[name] for name in _ORDER[1:]] == row[1:]
    assert sum(int(shown[name]) for name in ("tp", "fp", "fn", "tn")) == 80
    assert page.complaints() == []


def test_the_slider_moves_counts_marks_and_address(run: Run, page: browser.Page) -> None:
    page.show(address(run))
    before, ring = page.evaluate(_SHOWN), page.evaluate(_RING)
    page.evaluate("document.querySelector('#threshold-slider').focus()")
    for _ in range(30):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", windowsVirtualKeyCode=39)
        page.call("Input.dispatchKeyEvent", type="keyUp", key="ArrowRight", windowsVirtualKeyCode=39)
    after = page.evaluate(_SHOWN)
    assert float(before["threshold"]) == 0.5 < float(after["threshold"])
    assert int(after["tp"]) + int(after["fp"]) < int(before["tp"]) + int(before["fp"])
    assert all(one != other for one, other in zip(ring, page.evaluate(_RING), strict=True))
    assert page.evaluate("location.hash") == f"#threshold={after['threshold']}"
    assert page.complaints() == []


def test_the_marks_lie_where_their_numbers_say(run: Run, page: browser.Page) -> None:
    page.show(f"{address(run)}#threshold=0.6")
    shown = {name: float(value) for name, value in page.evaluate(_SHOWN).items()}
    frames = page.evaluate("[...document.querySelectorAll('circle[data-x]')].map(c => c.dataset.frame)")
    rates = {"fpr": shown["fp"] / (shown["fp"] + shown["tn"]), "recall": shown["tp"] / (shown["tp"] + shown["fn"])}
    rates["precision"] = shown["tp"] / (shown["tp"] + shown["fp"])
    for frame, ring, names in zip(
        frames, page.evaluate(_RING), (("fpr", "recall"), ("recall", "precision")), strict=True
    ):
        left, right, bottom, top = map(float, frame.split())
        expected = (left + (right - left) * rates[names[0]], bottom + (top - bottom) * rates[names[1]])
        assert [float(place) for place in ring] == pytest.approx(expected, abs=0.01)


def test_without_a_script_the_page_is_whole(run: Run, page: browser.Page) -> None:
    page.show(f"{address(run)}#threshold=0.7", script=False)
    assert page.evaluate("document.querySelector('#threshold-slider').checkVisibility()") is False
    assert page.evaluate(_SHOWN)["threshold"] == "0.50"
    listed = [float(row[0]) for row in page.evaluate(_LISTED)]
    assert len(listed) > 5
    assert listed == sorted(listed)
    assert 0.5 in listed
    page.show(address(run))
    assert page.evaluate("document.querySelector('#threshold-slider').checkVisibility()") is True


def wide(run: Run) -> str:
    """A report with words that no line can hold, and as many columns as a page shows."""
    word = "a_column_whose_name_was_made_by_a_machine_" * 3
    columns = [{"column": f"{word}{i}", "kind": "nominal", "levels": 3, "missing": 0, "why": word} for i in range(50)]
    insight = {
        "importance": {"metric": "rmse", "columns": [{"column": word, "increase": 3.0, "std": 1.0}] * 30},
        "dependence": [{"column": word, "x": [word, "b"], "y": [1.0, 2.0], "low": [0, 1], "high": [2, 3], "of": word}],
    }
    facts = {
        **run.facts,
        "recipe": word,
        "command": word,
        "parameters": {word: word},
        "data": {"train": 3, "split": word, "warnings": [word]},
        "reader": {"file": word, "columns": columns},
        "model": {"layers": [{word: word, "kind": "Linear"}]},
    }
    values = {"loss": 1.0, word: 2.0}
    history = [{"epoch": e, "train": values, "val": values} for e in (1, 2)]
    return render(facts, history, [{"epoch": 1, word: 2.0}], insight=insight)


def compared(run: Run) -> str:
    rivals = [
        Rival(
            name=f"{run.name}-{i}",
            facts=run.facts,
            history=run.lines("history.jsonl"),
            evaluation={"metrics": {"loss": i}},
        )
        for i in range(8)
    ]
    return render_comparison(rivals)


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("made", [None, wide, compared], ids=["report", "long words", "comparison"])
def test_no_page_is_wider_than_the_screen(
    run: Run, page: browser.Page, tmp_path: Path, width: int, made: object
) -> None:
    path = run.folder / "report.html"
    if callable(made):
        path = tmp_path / "page.html"
        path.write_text(made(run), encoding="utf-8")
    page.show(path.as_uri(), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = f"""[...document.querySelectorAll('main *')].filter(
        e => !e.closest('.scroll') && e.getBoundingClientRect().right > {width} + 1).map(e => e.outerHTML.slice(0, 200))"""
    assert page.evaluate(beyond) == []
    assert page.complaints() == []


def test_text_is_dark_on_light_and_light_on_dark(run: Run, page: browser.Page) -> None:
    """Of every text, also in figures: at least 3 to 1 against the page, as large text and graphics need."""
    colours = """[...new Set([...document.querySelectorAll('p, td, th, h2, figcaption, text')].map(e => {
        const style = getComputedStyle(e); return e instanceof SVGElement ? style.fill : style.color; }))]"""
    for dark in (False, True):
        page.show(address(run), dark=dark)
        paper = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for colour in page.evaluate(colours):
            low, high = sorted((luminance(colour), paper))
            assert (high + 0.05) / (low + 0.05) > 3, (colour, dark)


def luminance(colour: str) -> float:
    parts = np.array([float(part) for part in colour.strip("rgba()").split(",")[:3]]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
