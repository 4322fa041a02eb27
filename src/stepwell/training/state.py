"""What a checkpoint keeps of a training, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from stepwell.core.errors import CheckpointError
from stepwell.core.trees import Tree
from stepwell.runs import Snapshot

if TYPE_CHECKING:
    from stepwell.training.training import Training


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
        "scheduler": _kind(scheduler),
    }
    return Snapshot(step=training.step, parts=Snapshot.copy(parts), facts=facts, best=best)


def restore_snapshot(training: Training, snapshot: Snapshot, history: Sequence[dict[str, Any]] | None) -> None:
    """Take a training back to a snapshot; `history` is the lines of the epochs that were done then, where they are known.

    Raises `CheckpointError` where the snapshot is of another model, optimizer or kind of scheduler.
    """
    load_model(training.model, snapshot)
    facts = snapshot.facts
    try:
        training.optimizer.load_state_dict(snapshot.parts["optimizer"])
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"The checkpoint's optimizer state does not fit this experiment's: {error}.") from None
    _restore_scheduler(training, snapshot)
    if training.world.leads:  # what several processes had added up was merged into the first one's
        training.tally.restore(snapshot.parts["tally"])
    training.step, training.epochs = snapshot.step, facts["epochs"]
    training.batches_done, training.earlier_seconds = facts["batches_done"], facts["seconds"]
    training.history = list(history or ())
    if history is not None and len(training.history) != training.epochs:
        raise CheckpointError(
            f"The history has {len(training.history)} epochs, the checkpoint {training.epochs}; one was altered."
        )


def _restore_scheduler(training: Training, snapshot: Snapshot) -> None:
    own, given = _kind(training.schedule.scheduler), snapshot.facts.get("scheduler")
    if own != given:
        raise CheckpointError(
            f"The checkpoint is of a training with {given or 'no scheduler'}, this experiment has {own or 'none'}. Resume"
            " with the scheduler that the run began with."
        )
    if training.schedule.scheduler is not None:
        training.schedule.scheduler.load_state_dict(snapshot.parts["scheduler"])


def _kind(scheduler: LRScheduler | None) -> str | None:
    return None if scheduler is None else type(scheduler).__name__


def load_model(model: nn.Module, snapshot: Snapshot) -> None:
    """Give a model a snapshot's weights. Raises `CheckpointError` that names the parameters that differ."""
    given, own = snapshot.parts["model"], model.state_dict()
    missing, extra = sorted(set(own) - set(given)), sorted(set(given) - set(own))
    shapes = [
        f"{name} is {tuple(given[name].shape)} in the checkpoint and {tuple(own[name].shape)} in the model"
        for name in own
        if name in given and given[name].shape != own[name].shape
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
