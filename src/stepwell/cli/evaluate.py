"""`stepwell evaluate`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from stepwell.cli.console import command, say, show, starting, suggest_next, table
from stepwell.cli.resume import RUN

if TYPE_CHECKING:
    from stepwell.runs import Run
    from stepwell.training.evaluation import Evaluation

_MOST_CLASSES, _WORST = 12, 5
_SIDES = {"train": "training", "val": "validation", "test": "test"}
_ON = typer.Option(help="the rows: of which side (default: validation, where there is one)")
_CHECKPOINT = typer.Option(
    "--checkpoint", "--from", help="whose weights: best, last, or a step", metavar="best|last|step"
)


def evaluate_run(
    run: Annotated[str, RUN],
    on: Annotated[Literal["train", "val", "test"] | None, _ON] = None,
    checkpoint: Annotated[str, _CHECKPOINT] = "best",
) -> None:
    """Evaluate a run: metrics, confusion, worst rows."""
    with starting():
        from stepwell.cli.runs import checkpoint_name, find_run
        from stepwell.recipes import launch
        from stepwell.recipes.status import check_trained
        from stepwell.training.evaluation import evaluate

        found, which = find_run(run), checkpoint_name(checkpoint)
        check_trained(found)
        experiment = launch.rebuild(found)
        launch.load_weights(found, experiment, which)
        side = on or ("val" if experiment.data.val is not None else "train")
        evaluation = evaluate(experiment, side, worst=_WORST)
    reader = experiment.reader
    files = [str(reader.row(one.row).get("file", "")) if reader is not None else "" for one in evaluation.worst]
    _tell(found, evaluation, which, files)


def _tell(run: "Run", found: "Evaluation", which: str | int, files: Sequence[str]) -> None:
    from stepwell.cli.runs import relative

    weights = f"step {which}" if isinstance(which, int) else f"the {which} checkpoint"
    say(f"{run.name}, weights of {weights}, on {found.rows:,} {_SIDES[found.split]} rows", style="dim")
    show(table(("metric", "value"), _metrics(found), right=("value",)))
    if found.confusion is not None:
        _tell_confusion(found)
    if found.worst:
        _tell_worst(found, files)
    suggest_next([(command("report", relative(run.folder), "--open"), "the same in pictures")])


def _metrics(found: "Evaluation") -> list[tuple[str, str]]:
    """Each number with its name; of two classes, precision, recall and F1 say of which they are."""
    from stepwell.metrics.confusion import class_of

    of = {name: class_of(name, found.classes) for name in found.metrics}
    return [(f"{name} of {of[name]}" if of[name] else name, f"{value:.4g}") for name, value in found.metrics.items()]


def _tell_confusion(found: "Evaluation") -> None:
    if found.confusion is None or len(found.classes) > _MOST_CLASSES:
        say(f"\nThe confusion matrix of {len(found.classes)} classes stands in the report.", style="dim")
        return
    rows: list[list[str | Text]] = [
        [name, *(Text(f"{count:,}", style=_shade(row, column, count)) for column, count in enumerate(counts))]
        for row, (name, counts) in enumerate(zip(found.classes, found.confusion.tolist(), strict=True))
    ]
    say("\nConfusion: a row is a true class, a column what the model said", style="dim")
    show(table(("", *found.classes), rows, right=found.classes))


def _shade(row: int, column: int, count: int) -> str:
    if row == column:
        return "green"
    return "red" if count else "dim"


def _tell_worst(found: "Evaluation", files: Sequence[str]) -> None:
    """The rows of the largest losses, with the files that they lie in, where each has its own."""
    sure = any(one.confidence is not None for one in found.worst)
    rows = [
        [
            str(one.row),
            f"{one.loss:.4g}",
            one.target,
            one.predicted,
            *([f"{one.confidence:.1%}"] if one.confidence is not None else []),
            *([file] if any(files) else []),
        ]
        for one, file in zip(found.worst, files, strict=True)
    ]
    say("\nWorst rows, by their loss", style="dim")
    columns = ("row", "loss", "true", "predicted", *(["sure"] if sure else []), *(["file"] if any(files) else []))
    show(table(columns, rows, right=("row", "loss", "sure")))
