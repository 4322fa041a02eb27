"""Inputs that killed two workers, which no third one gets."""

from collections import OrderedDict
from hashlib import blake2b

from stepwell.deploy.calls import Arrays, Call, Refused

_KEPT = 1000


class Quarantine:
    """Digests of inputs. While it is empty, checking costs nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def add(self, call: Call) -> None:
        """Remember a call's input; of too many, the oldest is forgotten."""
        self._known[_digest(call)] = None
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def check(self, call: Call) -> None:
        """Raise `Refused` (422) for an input that is remembered."""
        if self._known and _digest(call) in self._known:
            raise Refused(
                422,
                "This input has ended a worker process twice, so it is not run again. Report it with the model's name.",
            )


def _digest(call: Call) -> bytes:
    digest = blake2b(call.model.encode(), digest_size=16)
    if isinstance(call.payload, Arrays):
        for name, array in call.payload.arrays.items():
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(array.tobytes())
    else:
        digest.update(call.payload.suffix.encode() + call.payload.data)
    return digest.digest()
