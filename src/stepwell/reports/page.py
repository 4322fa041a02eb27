"""A page and what it is made of. Text is escaped here; only `Html` passes as it is."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real

from matplotlib.figure import Figure

from stepwell.reports.css import CSS
from stepwell.reports.svg import inline
from stepwell.reports.text import Html, Numeric, escape, told

_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")

# The browser itself enforces that nothing is loaded, and that nothing runs but a script of just these letters.
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:{scripts}">
"""


@dataclass(frozen=True)
class Section:
    """A part of a page. `body_html` is HTML; `title` and `note` (what the part is for) are text.

    A section without a title stands at the head of the page, under its title. `script` is JavaScript of ours, never
    made from what a run says, that runs when the page is there; the page has to be whole without it.
    """

    title: str
    body_html: str
    note: str = ""
    script: str = ""


def page(title: str, sections: Sequence[Section], subtitle: Html | str = "") -> str:
    """A whole HTML page: title, links to the sections, the sections. Sections with an empty body are left out."""
    shown = [section for section in sections if section.body_html]
    named = [section for section in shown if section.title]
    scripts = list(dict.fromkeys(section.script for section in shown if section.script))
    links = "".join(f'<a href="#{_anchor(each)}">{escape(each.title)}</a>' for each in named)
    return (
        f"{_head(scripts)}<title>{escape(title)} · Stepwell</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1>{escape(title)}</h1>\n<p class="sub">{escape(subtitle)}</p>\n</header>\n'
        + "\n".join(_section(each) for each in shown if not each.title)
        + (f'\n<nav aria-label="Sections">{links}</nav>\n' if len(named) > 1 else "\n")
        + "\n".join(map(_section, named))
        + "\n</main>\n"
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


def _head(scripts: Sequence[str]) -> str:
    """The head of a page that may run these scripts and no other: the browser compares their hashes (CSP, level 2)."""
    allowed = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts
    )
    return _HEAD.replace("{scripts}", f"; script-src{allowed}" if scripts else "")


def _anchor(section: Section) -> str:
    return re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"


def _section(section: Section) -> str:
    if not section.title:
        return f'<section class="first">\n{section.body_html}\n</section>'
    note = f'\n<p class="note">{escape(section.note)}</p>' if section.note else ""
    return f'<section id="{_anchor(section)}">\n<h2>{escape(section.title)}</h2>{note}\n{section.body_html}\n</section>'


def table(rows: Iterable[Sequence[object]], header: Sequence[object] = ()) -> Html:
    """A table. The first cell of a row names it; columns of numbers are set right. Empty without rows."""
    body = [list(row) for row in rows]
    if not body:
        return Html("")
    right = [_numeric([row[index] for row in body if index < len(row)]) for index in range(max(map(len, body)))]
    head = "".join(_cell("th", value, side) for value, side in zip(header, right, strict=False))
    lines = "\n".join(f"<tr>{_row(row, right)}</tr>" for row in body)
    top = f"<thead><tr>{head}</tr></thead>\n" if head else ""
    return Html(f'<div class="scroll wide"><table>\n{top}<tbody>\n{lines}\n</tbody></table></div>')


def _numeric(cells: Sequence[object]) -> bool:
    return all(cell is None or isinstance(cell, Real | Numeric) for cell in cells)


def _row(row: Sequence[object], right: Sequence[bool]) -> str:
    first, rest = row[:1], row[1:]
    names = "".join(_cell("th", value, right[0]) for value in first)
    return names + "".join(_cell("td", value, side) for value, side in zip(rest, right[1:], strict=False))


def _cell(tag: str, value: object, right: bool) -> str:
    return f'<{tag} class="{"num" if right else "name"}">{escape(value)}</{tag}>'


def facts_table(facts: dict[str, object]) -> Html:
    """A table of two columns: each name and its value, both as text."""
    return table([(str(name).replace("_", " "), escape(told(value))) for name, value in facts.items()])


def paragraph(text: object, kind: str = "") -> Html:
    """A paragraph; `kind` is `lead`, `note` or nothing."""
    return Html(f'<p class="{escape(kind)}">{prose(text)}</p>' if kind else f"<p>{prose(text)}</p>")


def prose(text: object) -> Html:
    """Text as HTML in which no line breaks inside an option such as `--drop`; `Html` stays as it is."""
    return text if isinstance(text, Html) else Html(_OPTION.sub(r'<span class="option">\g<0></span>', escape(text)))


def listed(texts: Iterable[object]) -> Html:
    """Sentences as a list; empty without any."""
    items = "".join(f"<li>{prose(each)}</li>" for each in texts)
    return Html(f'<ul class="notes">{items}</ul>' if items else "")


def figure(fig: Figure, alt: str, caption: object = "") -> Html:
    """A figure with its description for those who do not see it, and a caption for all."""
    return framed(inline(fig, alt), caption)


def framed(content: Html, caption: object = "") -> Html:
    """Any content as a figure with a caption."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return Html(f"<figure>{content}{below}</figure>")


def figures_row(*figures: Html) -> Html:
    """Figures, or any blocks, side by side where there is room, and below each other on a phone."""
    return Html(f'<div class="row">{"".join(figures)}</div>' if figures else "")


def code(text: object) -> Html:
    """A block of code, such as a command to copy."""
    return Html(f"<pre><code>{escape(text)}</code></pre>")


def warning(text: object, label: str = "Warning") -> Html:
    """A warning, which says in words, not by its colour alone, that it is one."""
    return Html(f'<p class="warning" role="note"><b>{escape(label)}</b> {prose(text)}</p>')


def warnings_box(label: object, texts: Iterable[object]) -> Html:
    """Several warnings in one box, which says so in words, as a list."""
    return Html(f'<div class="warning" role="note"><b>{escape(label)}</b>{listed(texts)}</div>')


def tiles(figures: Iterable[tuple[str, object, str]]) -> Html:
    """Headline figures: for each a label, the figure, and a remark below it."""
    shown = "".join(
        f'<div class="tile"><dt>{escape(label)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd></div>'
        for label, value, remark in figures
    )
    return Html(f'<dl class="tiles">{shown}</dl>' if shown else "")
