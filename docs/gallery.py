"""Draws every figure of docs/gallery.md into docs/gallery/, and writes that page: `make gallery`.

`python docs/gallery.py NAME …` draws some of them only. A figure whose data are not in the data folder (`STEPWELL_DATA`)
stays as it is. The page lists what `figures/` holds, in its order; each figure's code there is what made it.
"""

import io
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from figures import SECTIONS, Entry, Section
from matplotlib.figure import Figure
from PIL import Image, ImageColor

from stepwell.plots.style import INK, LINE, LOOKS, PAPER, SOFT

HERE = Path(__file__).parent
PAGE, PICTURES = HERE / "gallery.md", HERE / "gallery"
DPI, SHOWN_DPI, COLOURS = 144, 96, (96, 48, 24)
MOST_BYTES = 60_000
_HOUSE = [ImageColor.getrgb(colour) for colour in (PAPER, INK, SOFT, LINE, *(look.colour for look in LOOKS))]
_ALIKE = 9  # of 255: less of a difference is none

HEAD = """# The figures

<!-- Written by docs/gallery.py; `make gallery` draws the figures and writes this page anew. Do not edit it. -->

Every figure that the chapters in question draw of Godoy's *Deep Learning with PyTorch Step-by-Step* (0 to 3, and the bonus
chapter), Raff's *Inside Deep Learning* (1 and 2) and *Deep Learning with PyTorch* by Stevens, Antiga and Viehmann (3 to 6;
its figures are named by the line of the text on which their captions stand, as in A:1092), with what made it: one call. The
numbers are computed or trained; captions say where they are made up, and where a training's settings are not the book's.
What the names in a call stand for is in the file that is named at the head of its section.

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
    """The picture in its most frequent colours and all of the house's, so that no small mark changes its hue."""
    small, palette = io.BytesIO(), Image.new("P", (1, 1))
    found = np.array(picture.quantize(colours, dither=Image.Dither.NONE).getpalette()).reshape(-1, 3)[:colours]
    apart = np.abs(found[:, None] - np.array(_HOUSE)).max(axis=2).min(axis=1) >= _ALIKE
    palette.putpalette(np.concatenate([_HOUSE, found[apart]]).reshape(-1).tolist())
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def page(sections: Iterable[Section]) -> str:
    """The whole page."""
    parts = [HEAD]
    for section in sections:
        parts.append(f"## {section.title}\n\nFrom [`figures/{section.file}.py`](figures/{section.file}.py).\n")
        parts += [_entry(entry) for entry in section.entries]
    return _formatted("\n".join(parts))


def _formatted(text: str) -> str:
    """The page with its code as `make check` wants it."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(PAGE), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, encoding="utf-8").stdout


def _entry(entry: Entry) -> str:
    shows = f"*{'; '.join(entry.shows)}*\n\n" if entry.shows else ""
    caption = f"{entry.caption}\n\n" if entry.caption else ""
    alternative = entry.title.rstrip(".").replace('"', "'")
    picture = f'<img src="gallery/{entry.name}.png" alt="{alternative}"{_width(entry)}>'
    return f"### {entry.title.rstrip('.')}\n\n{shows}{caption}{picture}\n\n```python\n{entry.call}\n```\n"


def _width(entry: Entry) -> str:
    file = PICTURES / f"{entry.name}.png"
    if not file.exists():
        return ""
    with Image.open(file) as picture:
        return f' width="{picture.width * SHOWN_DPI // DPI}"'


if __name__ == "__main__":
    main(sys.argv[1:])
