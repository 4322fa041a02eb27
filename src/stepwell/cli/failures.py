"""How a command ends that does not end well."""

from stepwell.core.errors import StepwellError

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class WrongUse(StepwellError):
    """A command line that cannot be meant: an unknown verb, recipe or flag, or a value that is none."""


class Stopped(StepwellError):
    """The user ended a command with Ctrl-C; the text says what is kept and how to go on."""
