"""One sitting of a training, as its user sees it: what begins, what came of it, and how to go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.cli.console import command, console, facts, say, suggest_next, warn
from stepwell.cli.findings import compared, tell_data, tell_variants
from stepwell.cli.runs import larger_budget, relative
from stepwell.recipes.examples import read_examples
from stepwell.recipes.launch import Launched
from stepwell.runs import Run
from stepwell.training.hooks import EarlyStopping, Hook, Progress, TensorBoard
from stepwell.training.training import INTERRUPTED, Training


class Begin(Hook):
    """Says what is about to be trained, and keeps the user's wishes in `run.json`, so that `resume` has them."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._asked = dict(asked)
        self._training: Training | None = None

    def fit_start(self, training: Training) -> None:
        """Say it, in the leading process."""
        self._training = training
        if training.run is not None and training.world.leads:
            training.run.update(hooks=self._asked)
            say(_described(training), style="dim")
            if not training.step:
                tell_data(training.run.facts)
                tell_variants(training.run.facts)

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Say what comes next, which for large pictures takes longer than a short training."""
        if error is None and training.run is not None and training.world.leads and training.stop_reason != INTERRUPTED:
            say("evaluating, comparing and explaining …", style="dim")


@dataclass(frozen=True)
class Sitting:
    """The hooks of a sitting. `asked` are the user's wishes: `patience` and `tensorboard`."""

    begin: Begin
    asked: Mapping[str, Any]

    @staticmethod
    def of(patience: int | None, tensorboard: bool) -> "Sitting":
        """A sitting with these wishes."""
        asked = {"patience": patience, "tensorboard": tensorboard}
        return Sitting(Begin(asked), asked)

    @property
    def hooks(self) -> Sequence[Hook]:
        """All hooks but those that `launch` adds."""
        stopping = [EarlyStopping(self.asked["patience"])] if self.asked["patience"] else []
        board = [Board()] if self.asked["tensorboard"] else []
        return [self.begin, Progress(console()), *stopping, *board]

    def stopped(self) -> str:
        """What to tell the user who pressed Ctrl-C."""
        training = self.begin._training
        if training is None or training.run is None:
            return "Stopped before the first step; nothing is kept."
        run = relative(training.run.folder)
        if training.run.facts["status"] == "done":
            return f"Stopped after the training was done. Write its report with:\n  {command('report', run)}"
        kept = training.run.checkpoints()
        place = f"Stopped at step {training.step:,}, in epoch {training.epochs + 1}."
        saved = f"Saved up to step {int(kept[-1].name):,} in {run}." if kept else f"Nothing was saved yet in {run}."
        return f"{place} {saved} Go on with:\n  {command('resume', run)}"


class Board(Hook):
    """TensorBoard in the run's own folder, which is known when the training begins."""

    def __init__(self) -> None:
        self._board: TensorBoard | None = None

    def fit_start(self, training: Training) -> None:
        """Open the writer, in the leading process."""
        if training.run is not None and training.world.leads:
            self._board = TensorBoard(training.run.folder / "tensorboard")
            self._board.fit_start(training)

    def epoch_end(self, training: Training) -> None:
        """Write the newest line."""
        if self._board is not None:
            self._board.epoch_end(training)

    def fit_end(self, training: Training, error: BaseException | None) -> None:
        """Close the writer."""
        if self._board is not None:
            self._board.fit_end(training, error)


def _described(training: Training) -> str:
    assert training.run is not None
    data, model = training.run.facts["data"], training.run.facts["model"]
    rows = " and ".join(f"{data[side]:,} {name}" for side, name in _SIDES if side in data)
    start = f"; from step {training.step:,} on" if training.step else ""
    learn = model.get("trainable", model["parameters"])  # which runs of earlier versions lack
    some = f", of which {learn:,} learn" if learn != model["parameters"] else ""
    return f"{rows} rows; {model['class']}, {model['parameters']:,} parameters{some}, on {model['device']}{start}"


_SIDES = (("train", "training"), ("val", "validation"))


def tell(launched: Launched) -> None:
    """Print, in the leading process, what a training came to, and what one may do next."""
    run, training = launched.run, launched.training
    if run is None:
        return
    folder = relative(run.folder)
    say()
    facts(
        [
            ("reached", _reached(training)),
            *compared(run),
            ("time", f"{run.facts['finished']['seconds']:,.1f} s"),
            *(
                [("ended", f"after {training.epochs} epochs, because {training.stop_reason}")]
                if training.stop_reason
                else []
            ),
            ("run", folder),
            ("report", folder / "report.html"),
        ]
    )
    for warning in run.facts["data"].get("warnings", []) if "reader" not in run.facts else []:
        warn(warning)
    suggest_next(_next(run))


def _reached(training: Training) -> str:
    name, _ = training.watch
    best = training.best_epoch()
    if best is None:
        return f"no number: {name} was never finite"
    number = training.watched(training.history[best - 1])
    side = "validation" if training.val_batches is not None else "training"
    return f"{side} {name} {number:.4g}, in epoch {best} of {len(training.history)}"


def _next(run: Run) -> list[tuple[str, str]]:
    folder = relative(run.folder)
    served = [(command("serve", folder), "an API, and a page to try it")] if read_examples(run) else []
    return [
        (command("evaluate", folder), "metrics, confusion, worst rows"),
        (larger_budget(run), "train longer"),
        (command("report", folder, "--open"), "see the report in a browser"),
        *served,
    ]
