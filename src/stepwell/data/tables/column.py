"""What a column is, and how it is encoded."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["continuous", "ordinal", "nominal", "time", "dropped"]
How = Literal["number", "onehot", "embedding", "cumulative", "calendar"]
OrdinalAs = Literal["number", "category", "cumulative"]


@dataclass(frozen=True)
class Column:
    """What a column is (`kind`), how it is encoded (None where it is dropped), and why, in a sentence.

    `asked` tells a flag from a guess. `order` are the levels of an ordinal column from least to greatest, where they were
    given.
    """

    name: str
    kind: Kind
    encoding: How | None
    why: str
    asked: bool = False
    order: tuple[str, ...] = ()
