"""The run folder: facts, history, checkpoints."""

from stepwell.runs.checkpoint import Snapshot
from stepwell.runs.run import Run, create_run, list_runs, open_run

__all__ = ["Run", "Snapshot", "create_run", "list_runs", "open_run"]
