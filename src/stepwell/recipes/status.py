"""What `run.json` says of a training that begins, and of one that does not end well."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepwell.core.errors import CheckpointError
from stepwell.runs import Run
from stepwell.training.hooks import Hook
from stepwell.training.training import Training


class GoingOn(Hook):
    """Keeps a resumed run's parameters, once its checkpoint has been found to fit them."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = dict(parameters)

    def fit_start(self, training: Training) -> None:
        """Write them."""
        if training.run is not None:
            training.run.update(parameters=self._parameters, status="running")


def check_trained(run: Run) -> None:
    """Raise `CheckpointError`, with the error that ended it, for a run that failed before its first checkpoint."""
    if run.facts.get("status") == "failed" and not run.checkpoints():
        raise CheckpointError(
            f"The run {run.folder} has no checkpoint: its training failed before the first one, with:\n"
            f"  {run.facts.get('error') or 'an unknown error'}\n"
            f"Mend that, and start it again: stepwell resume {run.folder}"
        )


@contextmanager
def status(run: Run) -> Iterator[None]:
    """Keep in `run.json` how a training ended, where it did not end well."""
    try:
        yield
    except KeyboardInterrupt:
        run.update(status="stopped")
        raise
    except Exception as error:  # whatever it was, the run says so, and it is raised again
        run.update(status="failed", error=(str(error) or type(error).__name__).splitlines()[0])
        raise
