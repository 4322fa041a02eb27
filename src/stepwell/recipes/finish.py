"""What a training came to: its best weights evaluated, compared with simpler models, explained, and reported."""

from collections.abc import Callable
from typing import Any

from stepwell.recipes.facts import data_fingerprint
from stepwell.recipes.kinds import part
from stepwell.reports.report import render
from stepwell.runs import Run
from stepwell.training.evaluation import Evaluation, evaluate
from stepwell.training.experiment import Experiment
from stepwell.training.state import load_model


def finish(run: Run, experiment: Experiment) -> Evaluation:
    """Evaluate a run's best weights on the rows that least was chosen by (test, else validation), and write its report."""
    best = run.read_checkpoint("best")
    load_model(experiment.model, best)
    side = next(side for side in ("test", "val", "train") if getattr(experiment.data, side) is not None)
    evaluation = evaluate(experiment, side)
    run.write("evaluation.json", {"split": side, "rows": evaluation.rows, "metrics": evaluation.metrics})
    facts = {**run.facts, "folder": str(run.folder)}
    history, timing = run.lines("history.jsonl"), run.lines("timing.jsonl")
    known = _explained(run, experiment, side, best.step)
    insight = {**known["insight"], "rows": _rows(experiment, evaluation)}
    run.write("report.html", render(facts, history, timing, evaluation, baselines=known["baselines"], insight=insight))
    return evaluation


def _explained(run: Run, experiment: Experiment, side: str, step: int) -> dict[str, Any]:
    """What simpler models reach on a side's rows, and what the model of a step made of each column.

    Both take seconds, so they are kept in the run, with what they depend on.
    """
    if experiment.reader is None:
        return {"baselines": [], "insight": {}}
    on = {"split": side, "fingerprint": data_fingerprint(experiment.data)}
    kind = experiment.reader.kind  # whose parts are imported only where they are needed
    return {
        "baselines": _kept(run, "baselines", on, lambda: part(kind, "baselines")(experiment, side)),
        "insight": _kept(run, "insight", {**on, "step": step}, lambda: part(kind, "insight")(experiment, side)),
    }


def _kept(run: Run, name: str, key: dict[str, Any], make: Callable[[], Any]) -> Any:
    """What `make` makes; where the run keeps it, and it depends on the same, that."""
    path = f"{name}.json"
    kept = run.read(path)
    if kept is None or kept.get("of") != key:
        kept = {"of": key, name: make()}
        run.write(path, kept)
    return kept[name]


def _rows(experiment: Experiment, evaluation: Evaluation) -> dict[str, Any]:
    """The worst rows as their file has them."""
    reader = experiment.reader
    return {str(mistake.row): reader.row(mistake.row) for mistake in evaluation.worst} if reader is not None else {}
