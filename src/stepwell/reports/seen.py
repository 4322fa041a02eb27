"""What a network for pictures looks at: its mistakes with where it looked, the classes it confuses, its first filters."""

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell import plots
from stepwell.insight.pictured import unpacked
from stepwell.plots.confused import Row
from stepwell.reports.page import Section, figure
from stepwell.reports.text import Html, escape, number, part

Insight = Mapping[str, Any]


def seen(insight: Insight | None) -> list[Section]:
    """The sections that `stepwell.insight.pictured.image_insight` fills; those of what it lacks are empty."""
    found = dict(insight or {})
    return [_mistakes(found), _confused(found), _filters(found)]


def _mistakes(found: Insight) -> Section:
    mistakes: Sequence[Mapping[str, Any]] = found.get("mistakes") or ()
    rows = part(found, "rows")
    drawn = [_mistake(each, part(rows, str(each["row"])).get("file")) for each in mistakes]
    names = list(mistakes[0]["maps"]) if mistakes else []
    words = {
        "Grad-CAM": f"Grad-CAM: where the maps of {found.get('layer')} hold what raised the score of the wrong class.",
        "occlusion": (
            f"Occlusion: a square of {found.get('patch')} pixels, in the mean colour, was moved over the picture; orange is what"
            " the wrong answer needed, blue what spoke against it."
        ),
    }
    told = " ".join(words.get(name, "") for name in names)
    note = f"The rows that it got most wrong, and what made it say so. {told} Look for a background or a mark that gives it away."
    return Section(
        "Where it looks when it is wrong", Html(f'<div class="row">{"".join(drawn)}</div>' if drawn else ""), note
    )


def _mistake(one: Mapping[str, Any], file: object) -> Html:
    fig = plots.overlays(unpacked(one["picture"]), {name: unpacked(each) for name, each in one["maps"].items()})
    truth, said = escape(one["true"]), escape(one["predicted"])
    place = f"row {one['row']}" + (f", {escape(file)}" if file else "")
    caption = Html(f"<b>{truth}</b> taken for <b>{said}</b>, {one['confidence']:.0%} sure, {place}")
    return figure(fig, f"row {one['row']}: {one['true']} taken for {one['predicted']}", caption)


def _confused(found: Insight) -> Section:
    pairs: Sequence[Mapping[str, Any]] = found.get("confused") or ()
    if not pairs:
        return Section("Classes taken for each other", "")
    rows = [
        Row(
            f"{each['true']}\ntaken for {each['predicted']}\n{_rows(each)}, {each['share']:.0%}",
            [unpacked(picture) for picture in each["pictures"]],
        )
        for each in pairs
    ]
    alt = "; ".join(f"{each['true']} taken for {each['predicted']}: {_rows(each)}" for each in pairs)
    note = "The pairs with most mistakes, each with those that it was surest of. The share is that of the true class."
    return Section("Classes taken for each other", figure(plots.confused(rows, headings=("", "")), alt), note)


def _rows(pair: Mapping[str, Any]) -> str:
    return f"{number(pair['rows'])} row{'s' * (pair['rows'] != 1)}"


def _filters(found: Insight) -> Section:
    filters = found.get("filters")
    if not filters:
        return Section("First filters", "")
    count = filters["count"]
    drawn = plots.filters(unpacked(filters["weights"]))
    note = (
        f"The weights of {filters['layer']}, {count} filter{'s' * (count != 1)}. Edges, blobs and colours mean that it has learned;"
        " noise, that it has not, or that it has more filters than it needs."
    )
    return Section("First filters", figure(drawn, f"filters of {filters['layer']}"), note)
