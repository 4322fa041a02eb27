"""Models to serve that do, on request, what models should not: for servers and for the worker processes that tests start."""

import os
import signal
import time

import torch
from torch import nn

from stepwell.deploy.card import Card
from stepwell.deploy.servable import Servable, arrays_of, output_arrays
from stepwell.tasks import Regression

RAISE, KILL, HANG, NAN, DROP = -1.0, -2.0, -3.0, -4.0, -5.0


class Doubling(nn.Module):
    """Twice its input; some numbers make it raise, kill its process, hang, or answer with NaN."""

    def forward(self, x):
        first = x[:, 0]
        if (first == RAISE).any():
            raise ValueError("minus one is not for me")
        if (first == KILL).any():
            os.kill(os.getpid(), signal.SIGKILL)
        if (first == HANG).any():
            time.sleep(3600)
        return torch.where(x == NAN, torch.nan, 2 * x)


def servable(plain):
    """A `Servable` of the doubling model; `plain` may say its `name`, the `size` of its rows and its `seconds`."""
    size = plain.get("size", 1)
    examples = torch.arange(4 * size, dtype=torch.float32).reshape(4, size)
    model = nn.Sequential(Doubling(), Slow(plain.get("seconds", 0.0))).eval()
    task = Regression()
    card = Card(
        name=plain.get("name", "double"),
        title="doubling",
        kind="arrays",
        inputs=arrays_of(examples),
        outputs=output_arrays(model, task, examples),
        examples=("0", "1", "2", "3"),
        version="1",
    )
    return Servable(card=card, model=model, task=task, examples=examples)


class Slow(nn.Module):
    """Passes its input on after a time."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def forward(self, x):
        time.sleep(self.seconds)
        return x
