"""Names and words for what is served."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from stepwell.core.errors import StepwellError
from stepwell.runs import Run

if TYPE_CHECKING:
    from stepwell.deploy.card import Card


def needs_extra(extra: str, *modules: str) -> None:
    """Raise `StepwellError`, with the command that mends it, where packages of an extra are not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise StepwellError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed. They belong to an extra:\n"
            f"  pip install 'stepwell[{extra}]'"
        )


def model_names(runs: Sequence[Run]) -> dict[str, Run]:
    """Short names for addresses: a run's recipe, or where several have it, or it has none, the folder's name."""
    short = [_recipe(run) for run in runs]
    names = [name if name and short.count(name) == 1 else run.name for name, run in zip(short, runs, strict=True)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise StepwellError(f"The run {twice} was given twice.")
    return dict(zip(names, runs, strict=True))


def _recipe(run: Run) -> str:
    return str(run.facts.get("recipe") or "").rpartition(":")[2]


def curl(card: "Card", address: str, token: bool) -> str:
    """A command that asks a model with an example of its own."""
    shown = f" -H 'Authorization: Bearer {'TOKEN'}'" if token else ""
    example = f"curl -s{shown} {address}/models/{card.name}/examples/0"
    kind = "application/json" if card.kind == "table" or len(card.inputs) > 1 else "application/x-npy"
    return f"{example} | curl -s{shown} {address}/predict/{card.name} -H 'Content-Type: {kind}' --data-binary @-"
