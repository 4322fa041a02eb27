"""A member of a sweep: one combination of values, and the run that is trained with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepwell.reports.trials import Trial
from stepwell.runs import Run

_WHOLE = ("evaluation.json", "report.html")


@dataclass(frozen=True)
class Member:
    """What is `varied` in it, all its `parameters` as JSON holds them, its run, once it has one, and why it failed, if it did."""

    varied: Mapping[str, Any]
    parameters: Mapping[str, Any]
    run: Run | None = None
    error: str = ""

    @property
    def status(self) -> str:
        """`waiting`, `running` (or killed), `stopped`, `failed` or `done`."""
        if self.error:
            return "failed"
        return "waiting" if self.run is None else str(self.run.facts.get("status"))

    @property
    def whole(self) -> bool:
        """Whether nothing is left to do: it is trained, evaluated and reported."""
        there = self.run is not None and all((self.run.folder / name).exists() for name in _WHOLE)
        return there and self.status == "done"

    @property
    def trial(self) -> Trial:
        """The same as plain data."""
        if self.run is None:
            return Trial(varied=self.varied, status=self.status, error=self.error)
        return Trial(
            varied=self.varied,
            status=self.status,
            error=self.error,
            name=self.run.name,
            facts=self.run.facts,
            history=self.run.lines("history.jsonl"),
            evaluation=self.run.read("evaluation.json") or {},
        )

    def found(self, runs: Sequence[Run]) -> "Member":
        """With its run among these, the newest with its parameters; as it is where there is none."""
        own = [run for run in runs if run.facts.get("parameters") == self.parameters]
        if not own:
            return self
        failed = own[-1].facts.get("status") == "failed"
        return replace(self, run=own[-1], error=str(own[-1].facts.get("error") or "it failed") if failed else "")
