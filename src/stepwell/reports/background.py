"""What was trained on what: data, model, time, and how to do it again."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stepwell.reports.history import Line, as_number
from stepwell.reports.page import Section, code, facts_table, figures_row, paragraph, table, warning
from stepwell.reports.text import Html, duration, number, part

_PARTS = {"train": "training steps", "data": "waiting for data", "val": "validation", "checkpoint": "checkpoints"}
_MOST_LAYERS = 60


def data(facts: Line) -> Section:
    """How many rows in which split, where they came from, and what was odd about them."""
    known = part(facts, "data")
    counts = {name: value for name, value in known.items() if isinstance(value, int) and not isinstance(value, bool)}
    whole = sum(counts.values())
    rows = [(_named(name), count, Html(f"{count / max(whole, 1):.0%}")) for name, count in counts.items()]
    rest = {name: value for name, value in known.items() if name not in counts and name != "warnings"}
    return Section("Data", figures_row(*filter(None, (table(rows, ("rows", "", "")), facts_table(rest)))))


def _named(split: str) -> str:
    return {"train": "training", "val": "validation"}.get(split, split)


def warnings(facts: Line) -> Html:
    """Why the run ended early, if it did, and every warning about its data: they belong on top."""
    found = part(facts, "data").get("warnings") or []
    texts = [found] if isinstance(found, str) else list(found)
    if facts.get("status") in ("failed", "stopped"):
        texts.insert(
            0, facts.get("error") or f"This run {facts['status']} before its end. The page shows how far it came."
        )
    return Html("".join(warning(text) for text in texts))


def model(facts: Line) -> Section:
    """The layers, as far as they are known."""
    known = part(facts, "model")
    layers = known.get("layers") or []
    name, count = known.get("class"), known.get("parameters")
    about = [str(name)] if name else []
    about += [f"{number(count)} parameters"] if isinstance(count, int) else []
    body = paragraph(", ".join(about) + ".") if about else Html("")
    more = len(layers) - _MOST_LAYERS
    shown = _layers(list(layers)[:_MOST_LAYERS])
    return Section("Model", body + shown + (paragraph(f"… and {more} more layers.", "note") if more > 0 else ""))


def _layers(layers: list[Any]) -> Html:
    """A table of layers that are dicts (their keys are the header), lists (a row each) or plain text."""
    if layers and all(isinstance(layer, Mapping) for layer in layers):
        header = list(dict.fromkeys(key for layer in layers for key in layer))
        return table([[layer.get(key) for key in header] for layer in layers], header)
    return table([layer if isinstance(layer, list | tuple) else [layer] for layer in layers])


def time(timing: Sequence[Line]) -> Section:
    """Where the time went, part by part, the longest first."""
    keys = dict.fromkeys(key for line in timing for key in line if key != "epoch")
    spent = {key: float(np.nansum([as_number(line.get(key)) for line in timing])) for key in keys}
    whole = sum(spent.values())
    if not whole > 0:
        return Section("Time", "")
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    rows = [(_PARTS.get(key, key), _right(duration(seconds)), _bar(seconds / whole)) for key, seconds in ordered]
    note = f"{duration(whole)} in {number(len(timing))} epochs, {duration(whole / len(timing))} each."
    return Section("Time", table(rows), note)


def _right(text: str) -> Html:
    return Html(f'<span class="num">{text}</span>')


def _bar(share: float) -> Html:
    return Html(f'<span class="bar" style="width: {8 * share:.2f}rem"></span> {share:.0%}')


def again(facts: Line) -> Section:
    """The command that reproduces the run, and what it ran on."""
    tables = [
        Html(f"<div><h3>{title}</h3>{facts_table(values)}</div>")
        for title, values in (
            ("Parameters", {**part(facts, "parameters"), **_seed(facts)}),
            ("Versions", part(facts, "versions")),
            ("Hardware", part(facts, "hardware")),
        )
        if values
    ]
    order = command(facts)
    return Section("Do it again", Html((code(order) if order else "") + figures_row(*tables)))


def _seed(facts: Line) -> dict[str, Any]:
    return {"seed": facts["seed"]} if facts.get("seed") is not None else {}


def command(facts: Line) -> str:
    """The command of the run, as it was given; where that is not known, one made of its recipe and parameters."""
    given = facts.get("command")
    if isinstance(given, list | tuple):
        return shlex.join(map(str, given))
    if given or not facts.get("recipe"):
        return str(given or "")
    values = {**part(facts, "parameters"), **_seed(facts)}
    return shlex.join(
        ["stepwell", "train", str(facts["recipe"]), *(word for item in values.items() for word in flag(*item))]
    )


def flag(name: str, value: Any) -> list[str]:
    """A parameter as words of a command line; nothing for None."""
    option = "--" + str(name).replace("_", "-")
    if isinstance(value, bool):
        return [option if value else "--no-" + option[2:]]
    return [] if value is None else [option, str(value)]
