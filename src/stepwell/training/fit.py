"""The loop."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import torch

from stepwell.core.devices import generators_restored
from stepwell.core.errors import DivergedError
from stepwell.core.memory import memory_kept
from stepwell.core.modules import mode_restored
from stepwell.runs import Run, Snapshot
from stepwell.training.batches import Batches
from stepwell.training.experiment import AUTO, Experiment
from stepwell.training.explain import explained
from stepwell.training.guards import advice, check_data
from stepwell.training.hooks.base import Hook, end_all, listeners
from stepwell.training.step import Step, StepResult
from stepwell.training.tally import Tally
from stepwell.training.training import INTERRUPTED, Line, Training
from stepwell.training.trials import Variant
from stepwell.training.variants import asks, choose, under
from stepwell.training.world import SOLO, World

Tell = Callable[[Training, StepResult], None]


def fit(
    experiment: Experiment,
    run: Run | None = None,
    hooks: Sequence[Hook] = (),
    *,
    resume: Snapshot | None = None,
    world: World = SOLO,
) -> Training:
    """Train an experiment's model to the end of its budget.

    `run` is a run folder for the hooks that write; `resume` is a checkpoint to go on from. Returns the finished training,
    with its history. torch's generators and the model's mode (train or eval) are given back as they were.
    Ctrl-C ends it after the step at hand, with everything saved, and then raises `KeyboardInterrupt`; a second one at once.

    Raises `StepwellError`s for data, model and task that do not fit each other, and `DivergedError` for a loss that is
    NaN or infinite.
    """
    with memory_kept():
        return _fitted(experiment, run, hooks, resume, world)


def _fitted(
    experiment: Experiment, run: Run | None, hooks: Sequence[Hook], resume: Snapshot | None, world: World
) -> Training:
    hooks = [*experiment.hooks, *hooks]
    if any(hook.between_layers for hook in hooks) and experiment.compiled == AUTO:
        experiment = replace(experiment, compiled="no")
    if asks(experiment):
        experiment = _settled(experiment, run, resume, world)
    training = Training(experiment, run, world)
    with _signals_stop(training), generators_restored(training.device), mode_restored(training.model):
        check_data(experiment.data, experiment.task)
        try:
            _train(training, hooks, resume)
        except DivergedError as error:
            raise DivergedError(f"{error}\n{advice(training)}") from None
    if training.stop_reason == INTERRUPTED:
        raise KeyboardInterrupt
    return training


def _settled(experiment: Experiment, run: Run | None, resume: Snapshot | None, world: World) -> Experiment:
    """The experiment with what is `auto` measured, which `run.json` is told, or as it was when the resumed training began."""
    kept = None if resume is None else resume.facts["settings"].get("variant")
    if kept is not None:
        return under(experiment, Variant(**kept))
    choice = choose(experiment, world)
    if run is not None:
        run.update(variant=choice.to_json())
    return under(experiment, choice.variant)


def _train(training: Training, hooks: Sequence[Hook], resume: Snapshot | None) -> None:
    error: BaseException | None = None
    try:
        training.world.share(training.model)
        if resume is not None:
            training.restore(resume)
            if training.run is not None:
                training.run.rewind(training.epochs, training.history)
        for tell in listeners(hooks, "fit_start"):
            tell(training)
        while training.unfinished and training.stop_reason is None:
            _train_epoch(training, hooks)
    except BaseException as caught:
        error = caught
        raise
    finally:
        end_all(hooks, training, error)


def _train_epoch(training: Training, hooks: Sequence[Hook]) -> None:
    """One epoch, or what a resumed training has left of one: train, validate, write the line, step the schedule."""
    for tell in listeners(hooks, "epoch_start"):
        tell(training)
    step_end = listeners(hooks, "step_end")
    if not training.exhausted:
        run_pass(training, training.train_batches, training.train_step, training.tally, train=True, step_end=step_end)
    if training.stop_reason == INTERRUPTED:
        return
    training.world.share_buffers(training.model)
    line: Line = {"epoch": training.epochs + 1, "step": training.step, "learning_rate": training.rates}
    line["train"] = training.tally.numbers()
    if training.val_batches is not None:
        tally = training.new_tally(train=False)
        run_pass(training, training.val_batches, training.val_step, tally, train=False)
        if training.stop_reason == INTERRUPTED:
            return
        line["val"] = tally.numbers()
    training.finish_epoch(line)
    for tell in listeners(hooks, "epoch_end"):
        tell(training)


def run_pass(
    training: Training, batches: Batches, step: Step, tally: Tally, *, train: bool, step_end: Sequence[Tell] = ()
) -> None:
    """Show the model every batch of an epoch, of what is left of it; training and evaluation differ by `train`."""
    training.model.train(train)
    number, done, clock = training.step + train, training.batches_done if train else 0, time.perf_counter
    started = mark = clock()
    waited = 0.0
    with (
        torch.set_grad_enabled(train),
        explained(training.model, lambda: training.batch.inputs if training.batch else None),
    ):
        for batch in batches.epoch(training.epochs, start=done):
            waited += clock() - mark
            batch = training.receive(batch, train=train)
            result = step(batch, number)
            tally.add(result, batch, number)
            if train:
                number, done = number + 1, done + 1
                training.step_done(done)
                for tell in step_end:
                    tell(training, result)
            if training.must_end(train=train):
                break
            mark = clock()
        tally.check_finite()
    training.spend("train" if train else "val", clock() - started - waited)
    training.spend("data", waited)


@contextmanager
def _signals_stop(training: Training) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the training after the step at hand; a second signal ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread alone
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if training.stop_reason == INTERRUPTED:
            raise KeyboardInterrupt
        training.interrupt()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
