"""A run as a page."""

from collections.abc import Sequence
from pathlib import Path

from stepwell.reports.advice import advice
from stepwell.reports.background import again, ending, model, time
from stepwell.reports.baselines import Baseline, backwards, compared, standing
from stepwell.reports.columns import data, features, steps, target, warnings
from stepwell.reports.diagnosis import diagnose
from stepwell.reports.evaluation import Evaluation
from stepwell.reports.explained import Insight, explained
from stepwell.reports.history import Line
from stepwell.reports.learning import headlines, learning
from stepwell.reports.page import Section, page, paragraph
from stepwell.reports.pictures import augmented, classes, made, variants
from stepwell.reports.results import results
from stepwell.reports.seen import seen
from stepwell.reports.text import Html, escape, moment, part

_STATUSES = ("done", "running", "stopped", "failed")


def render(
    facts: Line,
    history: Sequence[Line],
    timing: Sequence[Line] = (),
    evaluation: Evaluation | None = None,
    *,
    baselines: Sequence[Baseline] = (),
    insight: Insight | None = None,
    drawn: tuple[int, bytes] | None = None,
) -> str:
    """The report of a run: one HTML page that loads nothing.

    `facts` is `run.json`, of which every key may be missing; under `reader` it may hold what is known of the raw files
    (`Reader.facts()`). `history` and `timing` are the lines of their files, one an epoch; `evaluation` fills the task's
    own sections. `baselines` are simple models judged on the same rows, each `{"name", "what", "metrics", "seconds"}`.
    `insight` holds plain data under `importance`, `dependence` and `forecast`, as `stepwell.insight` gives it, and under
    `rows` the worst rows as the file has them (`{"17": {"hr": 8, …}, …}`); each may be missing. `drawn` is the newest
    picture that the training drew itself: its epoch, and the bytes of a PNG. Everything in them is escaped.
    """
    title = str(facts.get("recipe") or facts.get("name") or "A run")
    stand = standing(facts, evaluation, baselines)
    sections = [
        Section("", _head(facts, history, timing, evaluation)),
        compared(evaluation, baselines, stand, part(facts, "reader").get("kind")),
        made(facts, drawn),
        learning(facts, history),
        *results(
            evaluation,
            features(facts),
            part(insight, "rows"),
            target(facts),
            steps(facts),
            worst=not _translates(facts),
        ),
        *explained(insight),
        *seen(insight),
        classes(facts),
        augmented(insight, facts),
        data(facts),
        model(facts),
        variants(facts),
        time(timing),
        again(facts),
        advice(facts, history, stand),
    ]
    return page(title, sections, _subtitle(facts))


def _head(facts: Line, history: Sequence[Line], timing: Sequence[Line], evaluation: Evaluation | None) -> Html:
    """What to know first: how it ended, what the curves say, the headline figures, warnings about the data."""
    said = paragraph(diagnose(history), "lead")
    figures = headlines(facts, history, timing, evaluation)
    return Html(ending(facts) + said + figures + backwards(evaluation) + warnings(facts))


def _translates(facts: Line) -> bool:
    """Whether a row is a pair of pictures of two kinds, which nobody mistook for each other."""
    return part(facts, "task").get("kind") == "Translation"


def _subtitle(facts: Line) -> Html:
    """Status, name and date of the run, and what it predicts from which file."""
    status = facts.get("status")
    badge = f'<span class="status {status}">{status}</span>' if status in _STATUSES else ""
    name = facts.get("name") if facts.get("recipe") else None  # without a recipe, the name is the title
    file = part(facts, "reader").get("file")
    source = f"{target(facts)} from {Path(file).name}" if isinstance(file, str) and target(facts) else None
    known = (name, moment(facts["created"]) if facts.get("created") else None, source)
    return Html(badge + " · ".join(escape(each) for each in known if each))
