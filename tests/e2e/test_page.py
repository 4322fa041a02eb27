"""The page of a server in a real browser: a digit is drawn and read, a row filled in, a picture dropped, a series forecast."""

import io
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import browser
import numpy as np
import polars as pl
import pytest
from PIL import Image

from stepwell.recipes.launch import train
from stepwell.recipes.recipe import load

_FOUND = browser.find()
pytestmark = pytest.mark.skipif(
    _FOUND is None,
    reason=f"No browser: none of {', '.join(browser.NAMES)} is on the path. On Debian: apt-get install chromium",
)
_TOKEN = "a-token-of-the-test"
Stroke = list[tuple[float, float]]


class Served(NamedTuple):
    """Where a server answers, and a picture, a series and the rows that its models know."""

    url: str
    picture: Path
    series: Path


def _arc(x: float, y: float, rx: float, ry: float, start: int, end: int) -> Stroke:
    angles = [math.radians(start + (end - start) * step / 20) for step in range(21)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


DIGITS: dict[str, list[Stroke]] = {
    "0": [_arc(0.5, 0.5, 0.2, 0.32, -90, 270)],
    "2": [[*_arc(0.5, 0.35, 0.18, 0.17, -170, 40), (0.32, 0.82), (0.72, 0.82)]],
    "3": [[*_arc(0.48, 0.34, 0.18, 0.16, -150, 90), *_arc(0.48, 0.66, 0.2, 0.17, -90, 150)]],
    "5": [[(0.7, 0.18), (0.38, 0.18), (0.36, 0.48), *_arc(0.5, 0.64, 0.19, 0.19, -130, 140)]],
}


def _pictures(folder: Path) -> Path:
    draw = np.random.default_rng(0)
    for name, colour in {"red": (220, 40, 40), "blue": (40, 60, 220)}.items():
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(np.array(colour) + draw.normal(0, 25, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _table(file: Path) -> Path:
    draw = np.random.default_rng(0)
    weather, heat = draw.choice(["rain", "sun"], 400), draw.uniform(0, 30, 400)
    sold = np.where((weather == "sun") & (heat > 12), "yes", "no")
    pl.DataFrame({"weather": weather, "heat": heat.round(6), "sold": sold}).write_csv(file)
    return file


def _series(file: Path) -> Path:
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 30), "1h", eager=True)
    wave = 50 + 30 * np.sin(2 * np.pi * np.arange(len(hours)) / 24)
    pl.DataFrame({"time": hours.dt.to_string("%Y-%m-%d %H:%M"), "load": wave.round(2)}).write_csv(file)
    return file


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    photos, table, series = _pictures(folder / "photos"), _table(folder / "t.csv"), _series(folder / "s.csv")
    settings = {
        "digits": {"epochs": 12},
        "moons": {"epochs": 2},
        "images": {"folder": str(photos), "size": 24, "epochs": 4, "compiled": "no", "precision": "fp32"},
        "table": {"file": str(table), "target": "sold", "epochs": 12},
        "series": {"file": str(series), "time": "time", "target": "load", "window": 48, "horizon": 12, "epochs": 2},
    }
    runs = []
    for name, given in settings.items():
        launched = train(load(name), given, out=str(folder / "runs" / name))
        assert launched.run is not None
        runs.append(str(launched.run.folder))
    words = [sys.executable, "-m", "stepwell", "serve", *runs, "--port", "0", "--workers", "0", "--token", _TOKEN]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=quiet)
    try:
        yield Served(_address(server), photos / "red" / "3.png", series)
    finally:
        server.terminate()
        server.communicate(timeout=60)


def _address(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line)
        found = re.search(r"page\s+(http://\S+)", line)
        if found:
            return found[1].partition("#")[0].rstrip("/")
    raise AssertionError(f"The server ended: {''.join(said)}")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    assert _FOUND is not None
    with browser.Page(_FOUND, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def _show(page: browser.Page, served: Served, model: str, width: int = 1280, *, dark: bool = False) -> None:
    page.show(f"{served.url}/?model={model}#token={_TOKEN}", width, dark=dark)
    page.wait("!document.getElementById('bench').hidden")


def _calm(page: browser.Page, served: Served) -> None:
    """Nothing complained, nothing was asked of another host, and nothing is wider than the window."""
    assert page.complaints() == []
    hosts = {address.split("/", 3)[2] for address in page.requested() if not address.startswith("blob:")}
    assert hosts == {served.url.split("/", 3)[2]}
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("digit", list(DIGITS))
def test_a_digit_is_drawn_with_the_mouse_and_read_right(served: Served, page: browser.Page, digit: str) -> None:
    _show(page, served, "digits")
    page.draw("#pad", DIGITS[digit])
    page.wait("!document.getElementById('seen').hidden")
    assert page.text(".says b") == digit
    assert page.text(".bars .best .name") == digit
    given = _sent(page)
    assert np.shape(given["inputs"]) == (1, 1, 8, 8)
    assert page.evaluate("document.querySelector('.overlay img').naturalWidth") == 8
    _calm(page, served)


def test_the_pad_is_cleared_and_a_stroke_taken_back(served: Served, page: browser.Page) -> None:
    _show(page, served, "digits")
    page.draw("#pad", [*DIGITS["0"], [(0.1, 0.1), (0.9, 0.9)]])
    page.wait("document.querySelector('.says')")
    page.evaluate("[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'Undo').click()")
    page.wait("!document.getElementById('seen').hidden && document.querySelector('.says b')?.textContent === '0'")
    page.evaluate("[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'Clear').click()")
    page.wait("document.querySelector('#says .empty')")
    assert page.evaluate("document.getElementById('same').hidden")


def test_a_kept_picture_is_asked_about_and_its_truth_told(served: Served, page: browser.Page) -> None:
    _show(page, served, "digits")
    page.click(".thumb:nth-child(2)")
    page.wait("!document.getElementById('seen').hidden")
    assert page.text(".says span").endswith(_truth(page, 2))
    _calm(page, served)


def test_a_picture_is_dropped_and_another_chosen(served: Served, page: browser.Page) -> None:
    _show(page, served, "images")
    page.wait("document.querySelector('.says')")
    page.drop(served.picture)
    page.wait("document.getElementById('command').textContent.includes('@3.png')")
    page.wait("!document.getElementById('seen').hidden")
    assert page.text(".says b") == "red"
    page.choose("#file", served.picture.parent.parent / "blue" / "7.png")
    page.wait("document.getElementById('command').textContent.includes('@7.png')")
    page.wait("document.querySelector('.says b').textContent === 'blue'")
    _calm(page, served)


def test_a_picture_for_a_model_without_a_reader_is_made_an_array(
    served: Served, page: browser.Page, tmp_path: Path
) -> None:
    ring = np.full((80, 80), 255, np.uint8)
    y, x = np.mgrid[:80, :80]
    far = np.hypot((y - 39.5) / 38, (x - 39.5) / 27)
    ring[(far < 1) & (far > 0.6)] = 0  # dark on light, as on paper: the page turns it round
    Image.fromarray(ring).save(tmp_path / "ring.png")
    _show(page, served, "digits")
    page.choose("#file", tmp_path / "ring.png")
    page.wait("!document.getElementById('seen').hidden")
    assert page.text(".says b") == "0"


def test_a_row_is_filled_in(served: Served, page: browser.Page) -> None:
    _show(page, served, "table")
    page.wait("!document.getElementById('seen').hidden")
    page.evaluate(
        "(() => { const s = document.querySelector('select'); s.value = 'sun'; s.dispatchEvent(new Event('change')); })()"
    )
    page.write("input[type=number]", "28.5")
    page.wait("document.getElementById('command').textContent.includes('28.5')")
    page.wait("document.querySelector('.says b').textContent === 'yes'")
    page.wait("document.querySelectorAll('.changes li').length === 2")
    page.write("input[type=number]", "2")
    page.wait("document.querySelector('.says b').textContent === 'no'")
    slider = float(page.evaluate("document.querySelector('input[type=range]').value"))
    assert slider == pytest.approx(2, abs=0.1)  # its steps begin at the lowest of the rows
    _calm(page, served)


def test_a_series_is_forecast_from_a_kept_window_and_from_a_file(served: Served, page: browser.Page) -> None:
    _show(page, served, "series")
    page.wait("document.querySelector('.chart .ahead')")
    assert page.evaluate("document.querySelectorAll('#says tbody tr').length") == 12
    assert page.evaluate("document.querySelectorAll('#says details tr').length") == 4
    assert page.text("#says summary") == "4 more"
    page.click("#says summary")
    page.choose("#file", served.series)
    page.wait("document.getElementById('command').textContent.includes('@s.csv')")
    assert page.evaluate("document.querySelector('#says details').open")  # as it was left
    page.wait("document.querySelector('.chart .ahead')")
    _calm(page, served)


def _sent(page: browser.Page) -> Any:
    """What the shown command sends."""
    return json.loads(page.evaluate("document.getElementById('command').textContent.match(/--data-raw '(.*)'/)[1]"))


def _kept(served: Served, model: str, number: int) -> bytes:
    asked = Request(f"{served.url}/models/{model}/examples/{number}", headers={"Authorization": f"Bearer {_TOKEN}"})
    with urlopen(asked) as answer:
        return bytes(answer.read())


def test_a_kept_row_of_numbers_is_sent_to_the_last_bit_and_no_longer_than_that(
    served: Served, page: browser.Page
) -> None:
    _show(page, served, "moons")
    page.wait("document.querySelector('.says')")
    given = np.load(io.BytesIO(_kept(served, "moons", 0)))
    [row] = _sent(page)["inputs"]
    np.testing.assert_array_equal(np.array([row], np.float32), given)
    assert max(len(str(abs(value))) for value in row) <= 11
    assert page.evaluate("document.querySelector('input[type=number]').value") == str(row[0])


def test_a_kept_row_of_a_table_is_sent_as_it_is(served: Served, page: browser.Page) -> None:
    _show(page, served, "table")
    page.wait("document.querySelector('.says')")
    assert _sent(page) == json.loads(_kept(served, "table", 0))


def test_a_number_that_is_very_small_is_sent_as_it_is(served: Served, page: browser.Page) -> None:
    _show(page, served, "moons")
    page.write("input[type=number]", "0.0000123456")
    page.wait("document.getElementById('command').textContent.includes('0.0000123456')")


def test_an_explanation_is_of_one_row_and_a_file_of_several_says_so(
    served: Served, page: browser.Page, tmp_path: Path
) -> None:
    _show(page, served, "images")
    page.wait("document.querySelector('#seen .overlay')")
    np.save(tmp_path / "two.npy", np.zeros((2, 3, 24, 24), np.uint8))
    page.choose("#file", tmp_path / "two.npy")
    page.wait("document.getElementById('command').textContent.includes('@two.npy')")
    assert "The first of 2 answers" in page.text("#time")
    assert page.text("#why") == "An explanation is of one row, and this input has 2."
    assert not page.evaluate("document.getElementById('seen').hidden")


def test_a_new_input_does_not_wait_for_the_explanation_of_the_one_before(served: Served, page: browser.Page) -> None:
    _show(page, served, "digits")
    page.evaluate(
        "(() => { const real = fetch; window.held = 0; window.fetch = (path, options) => { if (!path.includes('/explain/'))"
        " return real(path, options); window.held += 1; return new Promise((_, no) => options.signal?.addEventListener("
        "'abort', () => { window.held -= 1; no(options.signal.reason); })); }; })()"
    )
    for number in (1, 2, 3):
        page.click(f".thumb:nth-child({number})")
        page.wait(f"document.querySelector('.says span')?.textContent.endsWith({_truth(page, number)!r}) && held === 1")
    _calm(page, served)


def _truth(page: browser.Page, number: int) -> str:
    return str(page.evaluate(f"document.querySelector('.thumb:nth-child({number})').title")).rpartition(": ")[2]


def test_an_error_is_told_as_the_server_says_it(served: Served, page: browser.Page) -> None:
    _show(page, served, "series")
    page.write("#text", "time,load\n2024-01-01 00:00,3\n")
    page.wait("!document.getElementById('wrong').hidden")
    assert len(page.text("#wrong")) > 30
    assert page.evaluate("document.getElementById('seen').hidden")


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False), (390, True)])
@pytest.mark.parametrize("model", ["digits", "images", "table", "series"])
def test_it_fits_a_phone_and_the_dark(served: Served, page: browser.Page, model: str, width: int, dark: bool) -> None:
    _show(page, served, model, width, dark=dark)
    if model == "digits":
        page.draw("#pad", DIGITS["3"])
    page.wait("!document.getElementById('seen').hidden")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(21, 23, 26)" if dark else "rgb(253, 253, 252)")
    _calm(page, served)


def test_the_token_is_asked_for(served: Served, page: browser.Page) -> None:
    page.show(f"{served.url}/#token=that-is-not-it-at-all")
    page.wait("!document.getElementById('token').hidden")
    assert not page.evaluate("document.getElementById('token-wrong').hidden")
    assert page.text("#title") == "A model to try"  # nothing of the models is told before
    page.write("#token-field", "wrong")
    page.click("#token button")
    page.wait(
        "document.getElementById('token').hidden === false && document.getElementById('token-field').value === ''"
    )
    page.write("#token-field", _TOKEN)
    page.click("#token button")
    page.wait("!document.getElementById('bench').hidden")
    assert page.text("#title") == "digits"
    page.draw("#pad", DIGITS["0"])
    page.wait("document.querySelector('.says')")
    command = page.text("#command")
    assert "Bearer $TOKEN" in command
    assert _TOKEN not in command


def test_all_that_is_pressed_can_be_reached_by_keyboard_and_has_a_name(served: Served, page: browser.Page) -> None:
    for model in ("digits", "table", "series"):
        _show(page, served, model)
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, input, select, textarea, a')].filter(e => e.tabIndex >= 0 && !e.closest("
            "'[hidden]') && !(e.textContent.trim() || e.labels?.length || e.ariaLabel)).map(e => e.outerHTML)"
        )
        assert nameless == []
