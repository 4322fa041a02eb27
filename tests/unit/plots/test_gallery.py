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
