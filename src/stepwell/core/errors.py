"""The errors that Stepwell raises: each says what was given, what was expected and how to mend it."""

from collections.abc import Iterable
from difflib import get_close_matches


class StepwellError(Exception):
    """Base of every error that a user can mend. `str(error)` is a sentence or a few lines, fit to be shown as it is."""


class DataError(StepwellError):
    """Rows, columns, files or splits that cannot be trained on."""


class ModelError(StepwellError):
    """A model that does not fit its inputs, its optimizer or its device."""


class TaskError(StepwellError):
    """Outputs or targets that do not fit the task's loss."""


class TrainingError(StepwellError):
    """A training run that cannot start or cannot go on."""


class DivergedError(TrainingError):
    """The loss became NaN or infinite."""


class RunError(StepwellError):
    """A run folder that is missing, incomplete or cannot be written."""


class CheckpointError(RunError):
    """A checkpoint that is damaged, incomplete or of another model."""


class RecipeError(StepwellError):
    """A recipe that does not exist, raises, or gets parameters that it does not have."""


class StepwellWarning(UserWarning):
    """Something that works, but costs a promise (such as exact resume), and how to keep it."""


def suggest(given: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest of `known`, in whatever case, or an empty string: for the end of a message."""
    names = {name.casefold(): name for name in known}
    nearest = get_close_matches(given.casefold(), list(names), n=1, cutoff=0.5)
    return f" Did you mean {names[nearest[0]]!r}?" if nearest else ""
