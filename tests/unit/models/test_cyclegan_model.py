"""CycleGAN: shapes, names, losses, and which side a gradient reaches."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.models import CycleGAN, PatchDiscriminator, ResNetGenerator


@pytest.fixture
def gan() -> CycleGAN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return CycleGAN(width=4, blocks=1, layers=1, identity=True)


def pictures(seed: int, rows: int = 3) -> torch.Tensor:
    return torch.randint(256, (rows, 3, 16, 16), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


A, B = pictures(1), pictures(2)


@settings(max_examples=12)
@given(st.integers(8, 33), st.integers(8, 33))
def test_sides_come_out_as_the_next_multiple_of_four(height: int, width: int) -> None:
    made = ResNetGenerator(width=2, blocks=1)(torch.rand(1, 3, height, width))
    assert made.shape == (1, 3, -(-height // 4) * 4, -(-width // 4) * 4)
    assert bool((made.abs() <= 1).all())


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_patch_has_the_papers_size(layers: int, field: int) -> None:
    """The size is that of the input's pixels on which the output in the middle depends, without normalisation."""
    judge = PatchDiscriminator(1, 2, layers)
    parts = [part for part in judge.model if not isinstance(part, torch.nn.InstanceNorm2d)]
    x = torch.rand(1, 1, 2 * field, 2 * field, requires_grad=True)
    seen = torch.nn.Sequential(*parts)(x)
    middle = seen[0, 0, seen.shape[2] // 2, seen.shape[3] // 2]
    rows = torch.autograd.grad(middle, x)[0][0, 0].abs().sum(1).nonzero().flatten()
    assert int(rows[-1] - rows[0]) + 1 == field


def test_bytes_and_floats_from_0_to_1_are_the_same(gan: CycleGAN) -> None:
    torch.testing.assert_close(gan(A, B), gan(A / 255, B / 255))
    made = gan.make(A, B)
    assert float(made.real_a.min()) == -1
    assert float(made.real_a.max()) == 1


def test_what_is_made(gan: CycleGAN) -> None:
    made = gan.make(A, B)
    torch.testing.assert_close(made.fake_b, gan.a_to_b(made.real_a))
    torch.testing.assert_close(made.cycled_a, gan.b_to_a(made.fake_b))
    torch.testing.assert_close(made.cycled_b, gan.a_to_b(gan.b_to_a(made.real_b)))
    torch.testing.assert_close(made.same_b, gan.a_to_b(made.real_b))
    gan.identity = False
    assert gan.make(A, B).same_a is None
    assert gan(A, B)[:, 4:6].abs().sum() == 0


def test_the_numbers_are_least_squares_and_absolute_differences(gan: CycleGAN) -> None:
    made, numbers = gan.make(A, B), gan(A, B)
    named = dict(zip((*gan.FOOLED, *gan.JUDGED), numbers.T, strict=True))
    each = {
        "fool_b": (gan.judge_b(made.fake_b) - 1) ** 2,
        "cycle_a": (made.cycled_a - made.real_a).abs(),
        "same_b": (made.same_b - made.real_b).abs(),
        "real_a": (gan.judge_a(made.real_a) - 1) ** 2,
        "fake_a": gan.judge_a(made.fake_a) ** 2,
    }
    for name, values in each.items():
        torch.testing.assert_close(named[name], values.flatten(1).mean(1))


def test_the_discriminators_losses_do_not_reach_the_generators(gan: CycleGAN) -> None:
    gan.judged(gan.make(A, B)).sum().backward()
    assert all(p.grad is None for p in gan.generators)
    assert all(p.grad is not None for p in gan.discriminators)


def test_the_sides_are_all_parameters_and_share_none(gan: CycleGAN) -> None:
    sides = [{id(p) for p in side} for side in (gan.generators, gan.discriminators)]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == {id(p) for p in gan.parameters()}
