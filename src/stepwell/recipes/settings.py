"""Numbers that recipes are given: within the range in which a network can be trained."""

from math import inf

from stepwell.core.errors import DataError

_RANGES = {
    "members": (1, inf),
    "bins": (0, inf),
    "batch_size": (1, inf),
    "epochs": (1, inf),
    "dropout": (0, 0.99),
    "learning_rate": (1e-12, inf),
    "weight_decay": (0, inf),
    "hidden": (1, inf),
    "channels": (1, inf),
    "width": (1, inf),
    "blocks": (1, inf),
    "layers": (1, inf),
    "pictures": (1, inf),
    "points": (1, inf),
    "noise": (0, inf),
    "val": (0, 0.9),
    "test": (0, 0.9),
}


def check_settings(**given: float) -> None:
    """Refuse, with `DataError`, numbers that no network can have; each is named as its flag."""
    for name, value in given.items():
        low, high = _RANGES[name]
        if not low <= value <= high:
            due = f"{low:g} to {high:g}" if high < inf else f"{low:g} or more"
            raise DataError(f"--{name.replace('_', '-')} is {value:g}; {due} is due.")
