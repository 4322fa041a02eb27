"""A batch on its way to a worker, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.deploy.calls import File, Numbers, Wants


@dataclass(frozen=True, eq=False)
class Work:
    """Calls to one model that run together: either `arrays`, the rows of all of them one behind another, `rows` of each, or
    `files`, one a call.
    """

    model: str
    wants: Sequence[Wants]
    rows: Sequence[int] = ()
    arrays: Mapping[str, Numbers] = field(default_factory=dict)
    files: Sequence[File] = ()


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one call: its `answers` (JSON) or `arrays` and the `notes` on its file; or a `refusal`, the status and why."""

    answers: bytes = b"[]"
    arrays: Mapping[str, Numbers] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refusal: tuple[int, str] | None = None
    rows: int = 1
