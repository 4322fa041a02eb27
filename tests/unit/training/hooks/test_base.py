"""Hooks: a misspelt method cannot stay silent."""

import pytest
import toys

import stepwell as sw
from stepwell.core.errors import TrainingError
from stepwell.training.hooks.base import listeners


def test_a_misspelt_method_is_refused_where_it_is_written() -> None:
    with pytest.raises(TrainingError) as caught:

        class Mine(sw.Hook):
            def on_step_end(self) -> None: ...

    assert str(caught.value) == (
        "Mine.on_step_end is no event, so it would never be called; events are fit_start, epoch_start, step_end, epoch_end,"
        " fit_end. Did you mean 'step_end'? Begin the names of a hook's own methods with an underscore."
    )


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_static_and_class_methods_are_no_way_around(kind: type) -> None:
    with pytest.raises(TrainingError, match=r"Mine\.epoch_ends is no event"):
        type("Mine", (sw.Hook,), {"epoch_ends": kind(lambda *_: None)})


def test_own_methods_attributes_and_subclasses_are_fine() -> None:
    class Mine(sw.Hook):
        limit = 5

        def _own(self) -> None: ...

        @property
        def left(self) -> int:
            return self.limit

    class Finer(Mine):
        def epoch_end(self, training: sw.Training) -> None: ...

    assert Finer().left == 5
    with pytest.raises(TrainingError, match="no event"):
        type("Worse", (Finer,), {"epoch_stop": lambda self: None})


def test_only_hooks_that_do_anything_are_called() -> None:
    class Ends(sw.Hook):
        def epoch_end(self, training: sw.Training) -> None: ...

    hooks = [sw.Hook(), Ends(), toys.Recorder()]
    assert [call.__self__ for call in listeners(hooks, "epoch_end")] == hooks[1:]
    assert [call.__self__ for call in listeners(hooks, "step_end")] == hooks[2:]
