import pytest
import torch
from torch import Tensor

from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.models import Forecaster


def made(**settings: object) -> Forecaster:
    with seeded(1):
        return Forecaster(3, 2, 24, 6, hidden=16, **settings).eval()  # type: ignore[arg-type]


def rows(count: int = 5) -> tuple[Tensor, Tensor]:
    with seeded(2):
        return torch.randn(count, 24, 3) * 4 + 10, torch.randn(count, 6, 2)


def test_a_level_goes_on():
    """A constant added to the past comes out again, whatever the weights, where the level itself is not looked at."""
    model, (past, known) = made(std=1e9), rows()
    higher = past.clone()
    higher[:, :, 0] += 100
    torch.testing.assert_close(
        model(higher, known) - model(past, known), torch.full((5, 6), 100.0), rtol=1e-3, atol=0.3
    )


def test_without_its_correction_it_is_a_line_of_the_normalised_window():
    model, (past, known) = made(mean=3.0, std=2.0), rows()
    torch.nn.init.zeros_(model.leave.weight)
    torch.nn.init.zeros_(model.leave.bias)
    series = past[:, :, 0]
    level, spread = series.mean(1, keepdim=True), (series.var(1, keepdim=True, unbiased=False) + 0.02**2).sqrt()
    torch.testing.assert_close(model(past, known), model.line((series - level) / spread) * spread + level)


def test_what_is_known_ahead_and_other_channels_count():
    model, (past, known) = made(), rows()
    torch.nn.init.ones_(model.leave.weight)
    before = model(past, known)
    assert not torch.allclose(model(past, known + 1), before)
    other = past.clone()
    other[:, :, 2] += 1
    assert not torch.allclose(model(other, known), before)


def test_a_flat_window_stays_finite():
    past = torch.full((2, 24, 3), 7.0)
    outputs = made(std=5.0)(past, torch.zeros(2, 6, 2))
    assert bool(outputs.isfinite().all())
    torch.testing.assert_close(outputs, torch.full((2, 6), 7.0), atol=0.5, rtol=0)


def test_the_floor_holds_in_eval_mode_alone():
    model, (past, known) = made(floor=10.0), rows(64)
    assert model(past, known).min().item() == 10.0
    assert model.train()(past, known).min().item() < 10.0


def test_no_other_channel_and_nothing_known():
    model = Forecaster(1, 0, 24, 6)
    assert model.pool is None
    assert model(torch.randn(2, 24, 1), torch.empty(2, 6, 0)).shape == (2, 6)
    assert Forecaster(3, 0, 24, 6, pooled=0).pool is None


def test_statistics_are_saved_with_the_weights():
    state = made(mean=3.0, std=2.0).state_dict()
    assert (float(state["mean"]), float(state["std"])) == (3.0, 2.0)


@pytest.mark.parametrize(("sizes", "said"), [((0, 1, 2, 3), "channels is 0"), ((1, 0, 2, 0), "horizon is 0")])
def test_sizes_below_one(sizes, said):
    with pytest.raises(ModelError, match=said):
        Forecaster(*sizes)
