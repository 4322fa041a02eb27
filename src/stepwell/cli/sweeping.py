"""One sitting of a sweep, as its user sees it: whose turn it is, what came of each, and how to go on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from stepwell.cli.console import command, console, fail, say, show, suggest_next, table, warn
from stepwell.cli.failures import DONE, FAILED
from stepwell.cli.runs import relative
from stepwell.cli.sitting import Board
from stepwell.cli.train import stopping
from stepwell.recipes.member import Member
from stepwell.recipes.sweep import PAGE, HooksOf, Sweep
from stepwell.reports.text import duration
from stepwell.reports.trials import (
    Outcome,
    Trial,
    different_rows,
    interval,
    measure,
    named,
    outcomes,
    ranked,
    sentence,
    written,
)
from stepwell.training.hooks import EarlyStopping, Hook, Progress
from stepwell.training.training import Training

_WIDE = 100


class _Asked(Hook):
    """Keeps the user's wishes in `run.json`, so that `resume` has them."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._asked = dict(asked)

    def fit_start(self, training: Training) -> None:
        if training.run is not None:
            training.run.update(hooks=self._asked)


def carry_out(sweep: Sweep) -> int:
    """Train what is left of a sweep, and tell what came of all of it; returns the exit code."""
    members = sweep.members
    done = sum(member.whole for member in members)
    grid = " × ".join(f"{n.replace('_', ' ')} {', '.join(map(written, v))}" for n, v in sweep.varied.items())
    count = f"{len(members)} run{'s' if len(members) > 1 else ''} of {sweep.recipe.name}"
    say(f"{count}: {grid}{f'; {done} done already' if done else ''}", style="dim")
    ended = []
    with stopping(lambda: _stopped(sweep)):
        for before, member in zip(members, sweep.train(_announcing(members, sweep.asked)), strict=True):
            ended.append(member)
            if not before.whole:
                _tell_one(member)
    return _tell(sweep, [member.trial for member in ended])


def _tell_one(member: Member) -> None:
    trial = member.trial
    if trial.error:
        fail(f"{named(trial.varied)}: {trial.error.splitlines()[0]}", label="failed")
    elif trial.best:
        say(f"{measure([trial])[0]} {_number(trial.number)} in epoch {trial.best.epoch}, {duration(trial.seconds)}")


def _stopped(sweep: Sweep) -> str:
    members = sweep.members
    done = sum(member.whole for member in members)
    return f"Stopped; {done} of {len(members)} runs are done. Go on with:\n  {command('sweep', relative(sweep.folder))}"


def _announcing(members: Sequence[Member], asked: Mapping[str, Any]) -> HooksOf:
    """Makes the hooks of a member, and says that its turn has come."""
    order = [member.varied for member in members]

    def hooks(member: Member) -> Sequence[Hook]:
        say(f"{order.index(member.varied) + 1} of {len(order)}: {named(member.varied)}", style="dim")
        shown = [Progress(console())] if console().is_terminal else []
        early = [EarlyStopping(asked["patience"])] if asked.get("patience") else []
        board = [Board()] if asked.get("tensorboard") else []
        return [_Asked(asked), *shown, *early, *board]

    return hooks


def _tell(sweep: Sweep, trials: Sequence[Trial]) -> int:
    what, good = measure(trials)
    found = outcomes(trials)
    order = ranked([Outcome(trial.varied, [trial]) for trial in trials], good)
    say()
    show(_runs(trials, what, order[0].mean if order else None))
    if len(found) < len(trials):
        say()
        show(_means(found, what, good))
    say(f"\n{sentence(trials)}")
    if len(found) == len(trials) > 1:
        say("Each was trained with one seed: --vary seed=0,1,2 as well would tell gain from luck.", style="dim")
    for note in dict.fromkeys([*different_rows(trials), *(note for trial in trials for note in _warnings(trial))]):
        warn(note)
    folder = relative(sweep.folder)
    say(f"{folder / PAGE}")
    suggest_next(_next(folder, order, trials))
    return DONE if order else FAILED


def _runs(trials: Sequence[Trial], what: str, top: float | None) -> Any:
    """One row a run; the best is green. Runs are named where the terminal is wide."""
    tested = any(trial.tested == trial.tested for trial in trials)
    wide = console().width >= _WIDE
    rows: list[list[str | Text]] = []
    for trial in trials:
        reached = Text(_number(trial.number), style="green" if trial.number == top else "")
        side = [_number(trial.tested)] if tested else []
        best = str(trial.best.epoch) if trial.best else "–"
        values = map(written, trial.varied.values())
        rows.append(
            [*values, reached, *side, best, duration(trial.seconds), trial.status, *([trial.name] if wide else [])]
        )
    names = [name.replace("_", " ") for name in trials[0].varied]
    numbers = [what, *(["test"] if tested else []), "in epoch", "time"]
    return table((*names, *numbers, "status", *(["run"] if wide else [])), rows, right=(*names, *numbers))


def _number(value: float) -> str:
    return f"{value:.4g}" if value == value else "–"


def _means(found: Sequence[Outcome], what: str, good: str) -> Any:
    """One row a combination, over its seeds."""
    order = ranked(found, good)
    rows: list[list[str | Text]] = []
    for outcome in found:
        style = "green" if order and outcome.mean == order[0].mean else ""
        values = [written(value) for value in outcome.varied.values()] or ["all"]
        seeds = f"{len(outcome.numbers)} of {len(outcome.trials)}"
        rows.append([*values, Text(interval(outcome), style=style), seeds, duration(outcome.seconds)])
    names = [name.replace("_", " ") for name in found[0].varied] or ["runs"]
    reached = f"mean {what} ± standard error"
    return table((*names, reached, "seeds", "mean time"), rows, right=(*names, reached, "seeds", "mean time"))


def _warnings(trial: Trial) -> list[str]:
    """What the data of a run gave cause to."""
    sides = (trial.facts.get("reader") or trial.facts.get("data") or {}).get("warnings", [])
    return [str(each) for each in sides]


def _next(folder: Path, order: Sequence[Outcome], trials: Sequence[Trial]) -> list[tuple[str, str]]:
    commands = []
    if order:
        best = order[0].trials[0]
        commands.append((command("report", folder / best.name, "--open"), "the report of the best run"))
    if any(trial.status != "done" for trial in trials):
        commands.append((command("sweep", folder), "try again what failed"))
    return commands
