"""Writes docs/books.md: every book row that a test holds, with the recipe or API that makes its numbers.

`make books` runs it; `python tests/books/table.py --check` fails where the file is not what it would write.
"""

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "books.md"

TITLES = {
    "step-by-step-1": "Godoy, *Deep Learning with PyTorch Step-by-Step*, volume I",
    "step-by-step-2": "Godoy, *Deep Learning with PyTorch Step-by-Step*, volume II",
    "inside-dl": "Raff, *Inside Deep Learning*",
    "dlwp-chapters-1-8": "Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, part 1",
}

HEAD = """# The books, row by row

<!-- Written by tests/books/table.py from the tests' `book` marks; `make books` writes it anew. Do not edit it. -->

Each row is a result that a book prints, or a trap that it falls into or warns of. Stepwell makes it with the recipe or the
part of its API that is named here, and the test compares it:

* **exact**: to every digit that the book prints;
* **tolerance**: as near as a faithful run comes whose random numbers are not the book's;
* **property**: what the book says of it in words, or a trap that Stepwell does not fall into.

{count} rows are held by {tests} tests.
"""


class Row(NamedTuple):
    """A row of a book, and the test that holds it."""

    book: str
    row: str
    what: str
    recipe: str
    kind: str
    test: str


class Collector:
    """A pytest plugin that keeps what was collected."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def collect() -> list[Row]:
    """The rows that the tests in this folder are marked with, in the order of books and rows."""
    collector, said = Collector(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", str(HERE)], plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"The tests cannot be collected:\n{said.getvalue()}")
    found = {row for item in collector.items for row in _rows(item)}
    unknown = {row.book for row in found} - set(TITLES)
    if unknown:
        raise SystemExit(
            f"The marks name books without a title in {Path(__file__).name}: {', '.join(sorted(unknown))}."
        )
    return sorted(found, key=lambda row: (list(TITLES).index(row.book), _natural(row.row), row.test, row.recipe))


def _rows(item: pytest.Item) -> Iterator[Row]:
    test = item.nodeid.partition("[")[0].removeprefix("tests/books/")
    for mark in item.iter_markers("book"):
        yield Row(*mark.args, what=_what(item), test=test, **mark.kwargs)


def _what(item: pytest.Item) -> str:
    """The first sentence or paragraph of the test's docstring, or else its name."""
    text = " ".join((item.obj.__doc__ or "").partition("\n\n")[0].split())  # type: ignore[attr-defined]
    return text or item.name.partition("[")[0].removeprefix("test_").replace("_", " ")


def _natural(row: str) -> list[tuple[int, int, str]]:
    """Numbers in a row's name by their size: S2 before S10; rows before traps, whose names begin with a digit or a P."""
    parts = re.findall(r"\d+|\D+", row)
    return [
        (0 if row.startswith(("S", "T")) else 1, 0, ""),
        *((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts),
    ]


def page(rows: list[Row]) -> str:
    """The page."""
    parts = [HEAD.format(count=len({(r.book, r.row) for r in rows}), tests=len({r.test for r in rows}))]
    for book, title in TITLES.items():
        own = [row for row in rows if row.book == book]
        if own:
            parts += [f"## {title}", "| row | what | made by | kind | test |\n|---|---|---|---|---|"]
            parts[-1] += "".join(f"\n| {r.row} | {_cell(r.what)} | `{r.recipe}` | {r.kind} | `{r.test}` |" for r in own)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page, or with `--check` compare it."""
    due = page(collect())
    if "--check" not in sys.argv:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(due, encoding="utf-8")
        print(f"Wrote {PAGE.relative_to(ROOT)}.")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != due:
        raise SystemExit("docs/books.md is not what the tests say; `make books` writes it anew.")


if __name__ == "__main__":
    main()
