"""`stepwell resume`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.app import invoke
from stepwell.cli.console import say, show, starting, table
from stepwell.cli.failures import DONE, FAILED, WrongUse
from stepwell.cli.settings import ResumeSettings
from stepwell.cli.train import joined, stopping

if TYPE_CHECKING:
    from stepwell.recipes.verify import Verdict
    from stepwell.runs import Run

RUN = typer.Argument(help="a run folder", metavar="RUN")
_WITH_FLAGS = typer.Argument(help=RUN.help, metavar="RUN [FLAGS]")


def resume(context: typer.Context, run: Annotated[str, _WITH_FLAGS]) -> int:
    """Go on with a run that was stopped, or train it longer.

    The recipe's flags change its parameters: `stepwell resume RUN --help` shows them with the run's own values.
    """
    with starting():
        from stepwell.cli.flags import Command
        from stepwell.cli.runs import find_run, recipe_of

        found = find_run(run)
        recipe = recipe_of(found)

    def use(parameters: dict[str, Any], settings: ResumeSettings) -> int:
        if settings.verify:
            return _verify(found, parameters, settings.verify_steps)
        saved = found.facts["parameters"]
        changes = {name: value for name, value in _plain(parameters).items() if value != saved.get(name, ...)}
        return _resume(found, changes, settings)

    made = Command(recipe, ResumeSettings, use, found.facts["parameters"])
    return invoke(made.app(), context.args, f"stepwell resume {run}")


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    from stepwell.recipes import values

    return {name: values.plain(value) for name, value in parameters.items()}


def _resume(run: "Run", changes: Mapping[str, Any], settings: ResumeSettings) -> int:
    from stepwell.cli.runs import checkpoint_name
    from stepwell.cli.sitting import Sitting, tell
    from stepwell.recipes import launch

    asked = {"patience": None, "tensorboard": False, **run.facts.get("hooks", {})}
    changed = {name: getattr(settings, name) for name in asked if getattr(settings, name) is not None}
    which = checkpoint_name(settings.which)
    if run.facts["status"] == "done" and which == "last" and not changed:
        if not changes:
            return _already_done(run)
        _check_budget(run, changes)
    sitting = Sitting.of(**{**asked, **changed})
    with joined() as world, stopping(sitting.stopped):
        launched = launch.resume(run, which=which, changes=changes, hooks=sitting.hooks, world=world)
        tell(launched)
    return DONE


def _already_done(run: "Run") -> int:
    from stepwell.cli.runs import larger_budget, relative

    finished, why = run.facts.get("finished", {}), run.facts.get("stopped")
    ended = f" It ended early because {why}." if why else ""
    did = f"{finished.get('epochs', 0)} epochs, {finished.get('steps', 0):,} steps"
    say(f"{relative(run.folder)} is done: {did}.{ended}")
    say(f"To train it longer, give it a larger budget{' and a larger --patience' if why else ''}:")
    say(f"  {larger_budget(run)}", style="cyan")
    return DONE


def _check_budget(run: "Run", changes: Mapping[str, Any]) -> None:
    """Refuse a budget that a finished run has used up already, as far as the recipe's flags tell."""
    from stepwell.cli.runs import budget, larger_budget

    found = budget({**run.facts["parameters"], **changes})
    done = run.facts.get("finished", {})
    used = {**done, "minutes": done.get("seconds", 0) / 60}
    if found is not None and found[1] <= used.get(found[0], 0):
        raise WrongUse(
            f"{run.name} has trained {used[found[0]]:g} {found[0]} already, so {found[1]:g} leave nothing to do."
            f" Give more:\n  {larger_budget(run)}"
        )


def _verify(run: "Run", parameters: Mapping[str, Any], steps: int) -> int:
    from stepwell.cli.runs import recipe_of
    from stepwell.recipes.verify import verify

    with stopping(lambda: "Stopped; the proof keeps nothing."):
        verdict = verify(recipe_of(run), parameters, steps=steps, tell=lambda line: say(line, style="dim"))
    _tell_verdict(verdict)
    return DONE if verdict.same else FAILED


def _tell_verdict(verdict: "Verdict") -> None:
    rows = [
        (part, one[:16], other[:16], "same" if one == other else "DIFFERENT")
        for part, (one, other) in verdict.digests.items()
    ]
    say()
    show(table(("part", "in one go", "interrupted", ""), rows))
    say()
    where = ", ".join(f"{step:,}" for step in verdict.interruptions)
    if verdict.same:
        say(f"Exact: {verdict.steps:,} steps, interrupted after {where}, end in the same bits.", style="green")
    else:
        say(
            f"Not exact: {verdict.steps:,} steps, interrupted after {where}, end in other bits.",
            style="bold red",
            error=True,
        )
        say("Draw random numbers from the experiment's seed alone, and keep no state outside of the model.", error=True)
        say(
            "Indexing a parameter is not exact either: its gradients are added as threads come. Embed or repeat it.",
            error=True,
        )
