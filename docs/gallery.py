"""Draws every figure of docs/gallery.md into docs/gallery/, and writes that page: `make gallery`.

`python docs/gallery.py NAME …` draws some of them only. A figure whose data are not in the data folder (`STEPWELL_DATA`)
stays as it is. The page lists what `figures/` holds, in its order; each figure's code there is what made it.
"""

import io
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from figures import SECTIONS, Entry, Section
from matplotlib.figure import Figure
from PIL import Image

HERE = Path(__file__).parent
PAGE, PICTURES = HERE / "gallery.md", HERE / "gallery"
DPI, SHOWN_DPI, COLOURS = 144, 96, (96, 48, 24)
MOST_BYTES = 60_000

HEAD = """# The figures

<!-- Written by docs/gallery.py; `make gallery` draws the figures and writes this page anew. Do not edit it. -->

Every figure that the chapters in question draw of Godoy's *Deep Learning with PyTorch Step-by-Step* (0 to 3, and the bonus
chapter), Raff's *Inside Deep Learning* (1 and 2) and *Deep Learning with PyTorch* by Stevens, Antiga and Viehmann (3 to 6;
its figures are named by their place in the text), with what made it: one call. The numbers are real. What the names in a
call stand for is in the file that is named at the head of its section.

Each of these functions takes arrays and gives a matplotlib `Figure`; with `ax=` it draws where you want it.
"""


def main(names: Iterable[str]) -> None:
    """Draw the named figures, or all, and write the page."""
    wanted = set(names)
    entries = [entry for section in SECTIONS for entry in section.entries]
    if unknown := wanted - {entry.name for entry in entries}:
        raise SystemExit(f"The gallery has no figure {', '.join(sorted(unknown))}.")
    PICTURES.mkdir(exist_ok=True)
    torch.set_num_threads(1)  # sums in one order, and so the same pictures, on every machine
    for entry in entries:
        if not wanted or entry.name in wanted:
            _renew(entry)
    for file in PICTURES.glob("*.png"):
        if file.stem not in {entry.name for entry in entries}:
            file.unlink()
    PAGE.write_text(page(SECTIONS), encoding="utf-8")


def _renew(entry: Entry) -> None:
    if entry.missing():
        sys.stdout.write(f"{entry.name} is left as it is, because {entry.missing()} is not in the data folder.\n")
        return
    data = png(entry.draw())
    if len(data) > MOST_BYTES:
        raise SystemExit(f"{entry.name} has {len(data)} bytes; draw it with fewer details: {MOST_BYTES} are the most.")
    (PICTURES / f"{entry.name}.png").write_bytes(data)


def png(figure: Figure) -> bytes:
    """The figure as a PNG of few colours, fewer where it would be too large, and without metadata: the same figure has the
    same bytes.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
    picture = Image.open(drawn).convert("RGB")
    sizes = (_reduced(picture, colours) for colours in COLOURS)
    return next((data for data in sizes if len(data) <= MOST_BYTES), _reduced(picture, COLOURS[-1]))


def _reduced(picture: Image.Image, colours: int) -> bytes:
    small = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def page(sections: Iterable[Section]) -> str:
    """The whole page."""
    parts = [HEAD]
    for section in sections:
        parts.append(f"## {section.title}\n\nFrom [`figures/{section.file}.py`](figures/{section.file}.py).\n")
        parts += [_entry(entry) for entry in section.entries]
    return "\n".join(parts)


def _entry(entry: Entry) -> str:
    shows = f"*{'; '.join(entry.shows)}*\n\n" if entry.shows else ""
    caption = f"{entry.caption}\n\n" if entry.caption else ""
    alternative = entry.title.rstrip(".").replace('"', "'")
    picture = f'<img src="gallery/{entry.name}.png" alt="{alternative}"{_width(entry)}>'
    return f"### {entry.title.rstrip('.')}\n\n{shows}{caption}{picture}\n\n```python\n{entry.call}\n```\n"


def _width(entry: Entry) -> str:
    file = PICTURES / f"{entry.name}.png"
    return f' width="{Image.open(file).width * SHOWN_DPI // DPI}"' if file.exists() else ""


if __name__ == "__main__":
    main(sys.argv[1:])
