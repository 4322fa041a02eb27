"""What was trained, and how it ended: model, time, and how to do it again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stepwell.reports import command
from stepwell.reports.history import Line, as_number
from stepwell.reports.page import Section, code, facts_table, figures_row, paragraph, table, warning
from stepwell.reports.text import Html, Numeric, duration, number, part

_PARTS = {"train": "training steps", "data": "waiting for data", "val": "validation", "checkpoint": "checkpoints"}
_MOST_LAYERS = 60


def ending(facts: Line) -> Html:
    """How the run ended, if it did so before its time."""
    label = {"failed": "Failed", "stopped": "Stopped"}.get(str(facts.get("status")))
    why = facts.get("error") or "before its end. This page shows how far it came."
    return warning(why, label) if label else Html("")


def model(facts: Line) -> Section:
    """The layers, as far as they are known."""
    known = part(facts, "model")
    layers = known["layers"] if isinstance(known.get("layers"), list | tuple) else []
    name, count = known.get("class"), known.get("parameters")
    about = [str(name)] if name else []
    about += [f"{number(count)} parameters"] if isinstance(count, int) else []
    learning = known.get("trainable")
    about += [f"of which {number(learning)} learn"] if isinstance(learning, int) and learning != count else []
    body = paragraph(", ".join(about) + ".") if about else Html("")
    more = len(layers) - _MOST_LAYERS
    shown = _layers([_named(layer) for layer in layers[:_MOST_LAYERS]])
    return Section("Model", body + shown + (paragraph(f"… and {more} more layers.", "note") if more > 0 else ""))


def _named(layer: Any) -> Any:
    """A layer under the name that `stepwell look --layer` takes: without that of the network behind the normalisation."""
    name = layer.get("layer") if isinstance(layer, Mapping) else None
    return {**layer, "layer": name.removeprefix("net.")} if isinstance(name, str) else layer


def _layers(layers: list[Any]) -> Html:
    """A table of layers that are dicts (their keys are the header) or lists (a row each); lines of text as they are."""
    if layers and all(isinstance(layer, str) for layer in layers):
        return code("\n".join(layers))
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
    rows = [(_PARTS.get(key, key), Numeric(duration(seconds)), _bar(seconds / whole)) for key, seconds in ordered]
    note = f"{duration(whole)} in {number(len(timing))} epoch{'s' * (len(timing) > 1)}, {duration(whole / len(timing))} each."
    return Section("Time", table(rows), note)


def _bar(share: float) -> Html:
    written = f"{share:.0%}" if share >= 0.005 else "&lt;1%"
    return Html(f'<span class="share"><span class="bar" style="width: {8 * share:.2f}rem"></span> {written}</span>')


def again(facts: Line) -> Section:
    """The command that reproduces the run, and what it ran on."""
    tables = [
        Html(f"<div><h3>{title}</h3>{facts_table(values)}</div>")
        for title, values in (
            ("Parameters", command.settings(facts)),
            ("Optimizer", _chosen(part(facts, "optimizer"))),
            ("Versions", part(facts, "versions")),
            ("Hardware", part(facts, "hardware")),
        )
        if values
    ]
    order = command.given(facts)
    return Section("Do it again", (code(order) if order else "") + figures_row(*tables))


def _chosen(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without the switches that are off."""
    return {name: value for name, value in settings.items() if value is not False}
