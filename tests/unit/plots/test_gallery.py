"""The gallery: every figure of its table still draws, and the page lists what is in the table."""

import os
import re
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from stepwell import plots

DOCS = Path(__file__).parents[3] / "docs"


def _load() -> tuple[list, object]:
    """The gallery's sections, and the module that writes its page; both stand beside the package, not in it."""
    sys.path.insert(0, str(DOCS))
    try:
        import figures
        import gallery
    finally:
        sys.path.remove(str(DOCS))
    return figures.SECTIONS, gallery


SECTIONS, GALLERY = _load()
ENTRIES = {entry.name: entry for section in SECTIONS for entry in section.entries}
QUICK = [name for name, entry in ENTRIES.items() if not entry.slow]


@pytest.fixture(autouse=True)
def _data(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = os.environ.get("STEPWELL_DATA") or DOCS / ".." / ".." / "shared" / "data"
    monkeypatch.setenv("STEPWELL_DATA", str(shared))


@pytest.mark.parametrize("name", QUICK)
def test_quick_figures_draw(name: str) -> None:
    entry = ENTRIES[name]
    if entry.missing():
        pytest.skip(f"{entry.missing()} is not in the data folder; set STEPWELL_DATA to a folder that has it")
    assert isinstance(entry.draw(), Figure)


def test_names_are_given_once() -> None:
    names = [entry.name for section in SECTIONS for entry in section.entries]
    assert len(set(names)) == len(names)


def test_the_page_is_what_the_table_says() -> None:
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == GALLERY.page(SECTIONS), "run make gallery"


def test_the_page_shows_each_figure_once() -> None:
    shown = re.findall(r'<img src="gallery/(\w+)\.png"', (DOCS / "gallery.md").read_text(encoding="utf-8"))
    assert shown == list(ENTRIES)
    assert {file.stem for file in (DOCS / "gallery").glob("*")} == set(ENTRIES)


def test_pictures_are_small() -> None:
    sizes = [file.stat().st_size for file in (DOCS / "gallery").glob("*.png")]
    assert max(sizes) <= GALLERY.MOST_BYTES
    assert sum(sizes) <= 3_000_000


def test_a_picture_is_drawn_to_the_same_bytes_each_time() -> None:
    first, second = (GALLERY.png(ENTRIES["storage"].draw()) for _ in range(2))
    assert first == second
    assert b"Software" not in first


def test_every_public_plot_is_shown() -> None:
    sources = " ".join(file.read_text(encoding="utf-8") for file in (DOCS / "figures").glob("*.py"))
    assert set(plots.__all__) <= set(re.findall(r"plots\.(\w+)\(", sources))


def test_entries_end_with_one_call() -> None:
    for entry in ENTRIES.values():
        assert re.match(r"plots\.\w+\(", entry.call), entry.name
        assert entry.title, entry.name


DUE = {
    "Godoy": [f"0.{n}" for n in range(1, 20)]
    + ["1.1", "1.2", "1.3", "1.5", "1.6", "1.7", "1.8", "2.1", "2.8", "2.1.1", "2.1.2", "2.1.3"]
    + [f"3.{n}" for n in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)],
    "Raff": [f"1.{n}" for n in range(1, 9)] + [f"2.{n}" for n in range(1, 10)],
    "Raff, plot": [str(n) for n in range(1, 18)],
    "Stevens": [
        "A:988",
        "A:999",
        "A:1092",
        "A:1525",
        "A:1607",
        "A:1774",
        "A:1837",
        "A:2016",
        "A:2163",
        "A:2262",
        "A:2344",
        "A:2517",
        "A:2688",
        "A:3071",
        "A:3098",
        "A:3166",
        "A:3205",
        "A:3264",
        "A:3336",
        "A:3371",
        "A:3417",
        "A:3570",
        "A:3726",
        "A:3817",
        "A:3936",
        "A:4092",
        "A:4107",
        "A:4216",
        "A:4231",
        "A:4342",
        "A:4362",
        "A:4389",
        "A:4415",
        "A:4453",
        "A:4613",
        "A:4907",
    ],
}
"""The figures of the chapters in question: Godoy 0 to 3, Raff 1 and 2 (drawn, and printed by a program), Stevens 3 to 6."""


@pytest.mark.parametrize("book", DUE)
def test_all_figures_of_the_chapters_are_there(book: str) -> None:
    shown = [part.strip() for entry in ENTRIES.values() for each in entry.shows for part in each.split(";")]
    own = [part for part in shown if re.match(rf"{book}s?[ ]", part)]
    found = set(re.findall(r"A:\d+|\d[\d.]*\d|\d", " ".join(own)))
    assert not set(DUE[book]) - found
