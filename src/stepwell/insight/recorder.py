"""A model as it was after each epoch."""

from copy import deepcopy

from torch import Tensor, nn

from stepwell.training.hooks.base import Hook
from stepwell.training.training import Training

State = dict[str, Tensor]


class Recorder(Hook):
    """A hook that keeps a model's parameters and buffers before the first and after each epoch, on the CPU.

    `states` has one entry more than epochs were trained. It is for models that are small enough to be looked at: all states
    stay in memory. `model_at(model, recorder.states[3])` is the model after the third epoch.
    """

    def __init__(self) -> None:
        self.states: list[State] = []

    def fit_start(self, training: Training) -> None:
        """Keep the start; a new fit begins anew."""
        self.states = [_state(training.model)]

    def epoch_end(self, training: Training) -> None:
        """Keep what the epoch led to."""
        self.states.append(_state(training.model))


def model_at(model: nn.Module, state: State) -> nn.Module:
    """A copy of the model with other parameters and buffers. Raises torch's error where they do not fit it."""
    copy = deepcopy(model)
    copy.load_state_dict(state)
    return copy


def _state(model: nn.Module) -> State:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
