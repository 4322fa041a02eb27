"""What a worker tells the server of its models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from stepwell.deploy.card import Card


@dataclass(frozen=True)
class Loaded:
    """The models' `cards`, and by their names the content types and bodies of requests with their `examples`."""

    cards: tuple[Card, ...]
    examples: Mapping[str, Sequence[tuple[str, bytes]]]

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """As a worker wrote it (`stepwell.deploy.shown`)."""
        bodies = {
            name: [(kind, body.encode("latin-1")) for kind, body in found] for name, found in plain["examples"].items()
        }
        return cls(tuple(map(Card.from_json, plain["cards"])), bodies)
