"""What a checkpoint keeps of a training, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from stepwell.core.errors import CheckpointError
from stepwell.core.trees import Tree
from stepwell.runs import Snapshot
from stepwell.training.experiment import VARIED

if TYPE_CHECKING:
    from stepwell.training.training import Training

_PLAIN = (bool, int, float, str, list, tuple)


def take_snapshot(training: Training, *, best: bool = False) -> Snapshot:
    """A copy of everything that a later sitting needs."""
    scheduler = training.schedule.scheduler
    whole = training.world.size == 1 or training.batches_done == 0
    parts: dict[str, Tree] = {
        "model": dict(training.model.state_dict()),
        "optimizer": training.optimizer.state_dict(),
        "scheduler": _plain(scheduler.state_dict()) if scheduler else {},
        "tally": training.tally.state() if whole else training.tally.merged_state(),
    }
    facts = {
        "epochs": training.epochs,
        "batches_done": training.batches_done,
        "seconds": training.seconds,
        "history": training.history[: training.epochs],
        "settings": training.settings,
    }
    return Snapshot(step=training.step, parts=Snapshot.copy(parts), facts=facts, best=best)


def settings(training: Training) -> dict[str, Any]:
    """The settings that a resumed training has to share with the one that it goes on with, as they are at its start."""
    scheduler = training.schedule.scheduler
    groups = [
        {name: value for name, value in group.items() if name != "params" and isinstance(value, _PLAIN)}
        for group in training.optimizer.state_dict()["param_groups"]
    ]
    found = {
        "optimizer": type(training.optimizer).__name__,
        "groups": groups,
        "scheduler": None if scheduler is None else type(scheduler).__name__,
        "schedule": {n: v for n, v in (scheduler.state_dict() if scheduler else {}).items() if isinstance(v, _PLAIN)},
        "batch_size": training.experiment.batch_size,
        "batches": len(training.train_batches),
        "variant": {name: getattr(training.experiment, name) for name in VARIED},
    }
    # As they come back from a checkpoint: tuples as lists; functions within them by their kind alone.
    plain: dict[str, Any] = json.loads(json.dumps(found, default=lambda value: type(value).__name__))
    return plain


def restore_snapshot(training: Training, snapshot: Snapshot) -> None:
    """Take a training back to a snapshot. Hyperparameters of the optimizer that differ now stay as they are now.

    Raises `CheckpointError`, before anything is changed, where the snapshot is of another model, optimizer or schedule, or
    lies in the middle of an epoch that now has other batches.
    """
    facts = snapshot.facts
    _compare_settings(training, facts)
    load_model(training.model, snapshot)
    changed = _changed_groups(training.settings["groups"], facts["settings"]["groups"])
    training.optimizer.load_state_dict(snapshot.parts["optimizer"])
    for group, new in zip(training.optimizer.param_groups, changed, strict=True):
        group.update(new)
    _lay_out_state(training.optimizer)
    if training.schedule.scheduler is not None:
        training.schedule.scheduler.load_state_dict(snapshot.parts["scheduler"])
        # The steps were made in an earlier sitting; without this, torch warns that the scheduler was stepped before them.
        training.optimizer._opt_called = snapshot.step > 0  # type: ignore[attr-defined]
    if training.world.leads:  # what several processes had added up was merged into the first one's
        training.tally.restore(snapshot.parts["tally"])
    training.step, training.epochs = snapshot.step, facts["epochs"]
    training.batches_done, training.earlier_seconds = facts["batches_done"], facts["seconds"]
    training.history = list(facts["history"])


def _lay_out_state(optimizer: Optimizer) -> None:
    """Lay the optimizer's tensors out as its parameters are, as they were before they went through a file."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _compare_settings(training: Training, facts: Mapping[str, Any]) -> None:
    own, given = training.settings, facts["settings"]
    for what in ("optimizer", "scheduler"):
        if own[what] != given[what]:
            raise CheckpointError(
                f"The checkpoint is of a training with {given[what] or f'no {what}'}, this experiment has"
                f" {own[what] or 'none'}. Resume with the {what} that the run began with, or train a new run."
            )
    sizes = [len(group) for group in (own["groups"], given["groups"])]
    if sizes[0] != sizes[1]:
        raise CheckpointError(f"The optimizer has {sizes[0]} groups of parameters, the checkpoint {sizes[1]}.")
    for name, value in own["schedule"].items():
        if value != given["schedule"].get(name, value):
            raise CheckpointError(
                f"The {own['scheduler']} has {name}={value} now, and had {given['schedule'][name]} when the run began. A"
                " schedule cannot be changed under way: resume with the settings of the run, or train a new one."
            )
    for name in ("batch_size", "batches"):
        if facts["batches_done"] and own[name] != given[name]:
            raise CheckpointError(
                f"The checkpoint lies in the middle of an epoch of {given['batches']} batches of {given['batch_size']}; now"
                f" there are {own['batches']} of {own['batch_size']}, so rows would be left out or shown twice. Resume with"
                " the batch size and the data of the run."
            )


def _changed_groups(own: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hyperparameters that the user has changed since the run began, by group."""
    pairs = zip(own, given, strict=True)
    return [{name: value for name, value in now.items() if value != then.get(name, value)} for now, then in pairs]


def load_model(model: nn.Module, snapshot: Snapshot) -> None:
    """Give a model a snapshot's weights. Raises `CheckpointError` that names the parameters that differ."""
    given, own = snapshot.parts["model"], model.state_dict()
    missing, extra = sorted(set(own) - set(given)), sorted(set(given) - set(own))
    shapes = [
        f"{name} is {tuple(given[name].shape)} in the checkpoint and {tuple(own[name].shape)} in the model"
        for name in own
        if name in given and isinstance(own[name], Tensor) and given[name].shape != own[name].shape
    ]
    wrong = [
        *(f"the checkpoint lacks {name}" for name in missing),
        *(f"the model lacks {name}" for name in extra),
        *shapes,
    ]
    if wrong:
        more = f", and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise CheckpointError(f"The checkpoint is of another model: {'; '.join(wrong[:4])}{more}.")
    model.load_state_dict(given)


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """A scheduler's state without its settings of other kinds (functions, counters), which the experiment makes anew."""
    kept = (bool, int, float, str, list, tuple, dict, type(None))
    plain = {name: value for name, value in state.items() if type(value) in kept}
    if "_schedulers" in plain:  # of a scheduler that is made of others
        plain["_schedulers"] = [_plain(inner) for inner in plain["_schedulers"]]
    return plain
