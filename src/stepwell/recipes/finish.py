"""What a training came to: its best weights evaluated, compared with simpler models, explained, and reported."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

from stepwell.recipes.examples import keep_examples
from stepwell.recipes.facts import data_fingerprint
from stepwell.recipes.kinds import part
from stepwell.reports.kept import put_together, taken_apart
from stepwell.reports.report import render
from stepwell.runs import Run
from stepwell.runs.files import read_arrays, write_arrays
from stepwell.training.evaluation import Evaluation, evaluate
from stepwell.training.experiment import Experiment
from stepwell.training.state import load_model


def finish(run: Run, experiment: Experiment) -> Evaluation:
    """Evaluate a run's best weights on the rows that least was chosen by (test, else validation), and write its report."""
    best = run.read_checkpoint("best")
    load_model(experiment.model, best)
    side = next(side for side in ("test", "val", "train") if getattr(experiment.data, side) is not None)
    evaluation = evaluate(experiment, side)
    plain, arrays = taken_apart(evaluation)
    write_arrays(run.folder / "evaluation.npz", arrays)
    worst = [mistake.row for mistake in evaluation.worst]
    kept = {**plain, "step": best.step, "shown": _rows(experiment, worst)}
    run.write("evaluation.json", kept)
    _explain(run, experiment, side, best.step)
    run.write("evaluation.json", {**kept, "shown": _rows(experiment, [*worst, *_looked_at(run)])})
    keep_examples(run, experiment)
    write_report(run)
    return evaluation


def write_report(run: Run) -> bool:
    """Write a run's report from what the run keeps, without its model and data; False where it was never evaluated."""
    plain = run.read("evaluation.json")
    if plain is None or "shown" not in plain:
        return False
    evaluation = put_together(plain, read_arrays(run.folder / "evaluation.npz"))
    facts = {**run.facts, "folder": str(run.folder)}
    compared, insight = (run.read(f"{name}.json") or {} for name in ("baselines", "insight"))
    page = render(
        facts,
        run.lines("history.jsonl"),
        run.lines("timing.jsonl"),
        evaluation,
        baselines=compared.get("baselines", ()),
        insight={**insight.get("insight", {}), "rows": plain["shown"]},
        drawn=_newest_picture(run),
    )
    run.write("report.html", page)
    return True


def _explain(run: Run, experiment: Experiment, side: str, step: int) -> None:
    """Keep in the run what simpler models reach on a side's rows, and what the model of a step made of each column.

    Both take seconds, so they are kept with what they depend on, and made again where that has changed.
    """
    if experiment.reader is None:
        return
    on = {"split": side, "fingerprint": data_fingerprint(experiment.data)}
    kind = experiment.reader.kind  # whose parts are imported only where they are needed
    _keep(run, "baselines", on, lambda: part(kind, "baselines")(experiment, side))
    _keep(run, "insight", {**on, "step": step}, lambda: part(kind, "insight")(experiment, side))


def _keep(run: Run, name: str, key: dict[str, Any], make: Callable[[], Any]) -> None:
    """Write what `make` makes, unless the run keeps it, and it depends on the same."""
    kept = run.read(f"{name}.json")
    if kept is None or kept.get("of") != key:
        run.write(f"{name}.json", {"of": key, name: make()})


def _newest_picture(run: Run) -> tuple[int, bytes] | None:
    """The epoch and the bytes of the last of `pictures/epoch-001.png` and so on; None without any."""
    found = [path for path in (run.folder / "pictures").glob("epoch-*.png") if _epoch(path).isdecimal()]
    newest = max(found, key=lambda path: int(_epoch(path)), default=None)
    return None if newest is None else (int(_epoch(newest)), newest.read_bytes())


def _epoch(path: Path) -> str:
    return path.stem.removeprefix("epoch-")


def _looked_at(run: Run) -> list[int]:
    """The rows of the mistakes that the insight into a network for pictures shows."""
    kept = run.read("insight.json") or {}
    return [mistake["row"] for mistake in kept.get("insight", {}).get("mistakes", ())]


def _rows(experiment: Experiment, rows: Sequence[int]) -> dict[str, Any]:
    """Rows as their file has them."""
    if experiment.reader is None:
        return {}
    shown = {str(row): experiment.reader.row(row) for row in rows}
    return {row: {name: _plain(value) for name, value in values.items()} for row, values in shown.items()}


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str, NoneType)) else str(value)
