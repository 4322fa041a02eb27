"""What a training came to: its best weights evaluated, compared with simpler models, explained, and reported."""

from typing import Any

from stepwell.recipes.kinds import part
from stepwell.reports.report import render
from stepwell.runs import Run
from stepwell.training.evaluation import Evaluation, evaluate
from stepwell.training.experiment import Experiment
from stepwell.training.state import load_model


def finish(run: Run, experiment: Experiment) -> Evaluation:
    """Evaluate a run's best weights on the rows that least was chosen by (test, else validation), and write its report."""
    load_model(experiment.model, run.read_checkpoint("best"))
    side = next(side for side in ("test", "val", "train") if getattr(experiment.data, side) is not None)
    evaluation = evaluate(experiment, side)
    run.write("evaluation.json", {"split": side, "rows": evaluation.rows, "metrics": evaluation.metrics})
    facts = {**run.facts, "folder": str(run.folder)}
    history, timing = run.lines("history.jsonl"), run.lines("timing.jsonl")
    compared, insight = _baselines(run, experiment, side), _insight(experiment, side)
    run.write("report.html", render(facts, history, timing, evaluation, baselines=compared, insight=insight))
    return evaluation


def _baselines(run: Run, experiment: Experiment, side: str) -> list[dict[str, Any]]:
    """What simpler models reach on a side's rows: from the run, or, the first time, measured."""
    if experiment.reader is None:
        return []
    kept = run.read("baselines.json")
    if kept is None or kept["split"] != side:
        kept = {"split": side, "baselines": part(experiment.reader.kind, "baselines")(experiment, side)}
        run.write("baselines.json", kept)
    return list(kept["baselines"])


def _insight(experiment: Experiment, side: str) -> dict[str, Any]:
    return part(experiment.reader.kind, "insight")(experiment, side) if experiment.reader is not None else {}
