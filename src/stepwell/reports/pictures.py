"""Pictures as training data: how many there are of each class on each side, and what training sees of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell import plots
from stepwell.insight.pictured import unpacked
from stepwell.reports.page import Section, figure, framed, paragraph, table
from stepwell.reports.svg import picture
from stepwell.reports.text import Html, Numeric, number, part

_MOST_CLASSES = 60


def classes(facts: Mapping[str, Any]) -> Section:
    """How many pictures each side has of each class, what a picture is, and what was found in the files."""
    reader = part(facts, "reader")
    counts = part(reader, "counts")
    if not counts:
        return Section("Pictures", "")
    names = [str(name) for name in reader.get("classes") or ()]
    lines = [(name, *(Numeric(number(counts[side].get(name, 0))) for side in counts)) for name in names[:_MOST_CLASSES]]
    sums = [Numeric(number(sum(counts[side].values()))) for side in counts]
    shown = table([*lines, ("all", *sums)], ("class", *counts))
    more = len(names) - _MOST_CLASSES
    rest = f"… and {more:,} more classes." if more > 0 else ""
    return Section("Pictures", shown, " ".join([_form(reader), *map(str, reader.get("notes") or ()), rest]).strip())


def _form(reader: Mapping[str, Any]) -> str:
    height, width = reader.get("size") or (0, 0)
    colours = "grey" if reader.get("channels") == 1 else "colour"
    means, stds = (", ".join(f"{value:.3f}" for value in reader.get(name) or ()) for name in ("mean", "std"))
    each = "" if reader.get("channels") == 1 else ", channel by channel"
    return (
        f"The network sees {colours} pictures of {height}×{width} pixels (height×width), normalised by the mean {means} and the"
        f" standard deviation {stds} of the training pictures{each}."
    )


def augmented(insight: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> Section:
    """Some training pictures as they are, and as epochs show them; with the option of the command line, if that is known."""
    found = part(insight, "augmented")
    if not found:
        return Section("What training sees", "")
    drawn = plots.augmented(unpacked(found["pictures"]), unpacked(found["draws"]))
    note = "Each row is a training picture, first as it is, then as six epochs show it. Could you still name its class?"
    said = paragraph(f"Changed at random, anew in every epoch: {_asked(facts) or found['what']}.")
    return Section("What training sees", Html(figure(drawn, "augmented training pictures") + said), note)


def _asked(facts: Mapping[str, Any]) -> str:
    """The augmentation as people ask for it: `--augment flip,shift:2`; nothing where the recipe has no words for it."""
    words = part(facts, "parameters").get("augment")
    return f"--augment {','.join(map(str, words))}" if words and isinstance(words, list | tuple) else ""


def made(facts: Mapping[str, Any], drawn: tuple[int, bytes] | None) -> Section:
    """The newest picture that the training of a pair of generators drew: the epoch, and the bytes of a PNG."""
    if drawn is None:
        return Section("What it makes", "")
    epoch, png = drawn
    kinds = part(facts, "parameters").get("kinds") or ()
    one, two = map(str, kinds) if len(kinds) == 2 else ("one kind", "the other kind")
    caption = (
        f"After epoch {epoch}. Each row: a picture of {one}, what the network makes of it as {two}, and that made {one} again;"
        f" then a picture of {two}, made {one}, and made {two} again."
    )
    note = "Do the translations look like their kind, and does the way back give the picture again? No number says so."
    return Section("What it makes", framed(picture(png, f"translations after epoch {epoch}"), caption), note)


def variants(facts: Mapping[str, Any]) -> Section:
    """The ways to compute a step that were tried, and the one that was chosen."""
    trials: Sequence[Mapping[str, Any]] = part(facts, "variant").get("trials") or ()
    if not trials:
        return Section("Arithmetic", "")
    first = trials[0].get("milliseconds")
    rows = [
        (each["name"], _ms(each), _ratio(each, first), _away(each), str(each.get("verdict") or "")) for each in trials
    ]
    note = (
        "Ways to compute the same step, timed on this machine when the training began. One whose gradients were further from"
        " plain fp32's than rounding explains would have been refused."
    )
    return Section("Arithmetic", table(rows, ("variant", "ms a step", "speed", "gradients differ by", "")), note)


def _ms(trial: Mapping[str, Any]) -> Numeric:
    took = trial.get("milliseconds")
    return Numeric("–" if took is None else f"{took:.3g}")


def _ratio(trial: Mapping[str, Any], first: float | None) -> Numeric:
    took = trial.get("milliseconds")
    return Numeric(f"{first / took:.2f}×" if took and first else "–")


def _away(trial: Mapping[str, Any]) -> Numeric:
    away = trial.get("difference")
    return Numeric("–" if away is None else f"{away:.2%}")
