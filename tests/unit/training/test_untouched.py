"""Leaving no trace."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from stepwell.training.untouched import untouched


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))


def _train(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.randn(8, 3)).square().mean().backward()
    optimizer.step()


def _bits(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return (
            tree.dtype,
            tuple(tree.shape),
            tree.stride(),
            tree.detach().contiguous().view(-1).view(torch.uint8).tolist(),
        )
    if isinstance(tree, dict):
        return {key if isinstance(key, str) else id(key): _bits(value) for key, value in tree.items()}
    return [_bits(each) for each in tree] if isinstance(tree, (list, tuple)) else tree


def _everything(model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
    return _bits(
        {
            "state": dict(model.state_dict()),
            "gradients": [parameter.grad for parameter in model.parameters()],
            "modes": [module.training for module in model.modules()],
            "optimizer": dict(optimizer.state),
            "groups": optimizer.param_groups,
            "attributes": sorted(vars(optimizer)),
            "torch": torch.get_rng_state(),
            "numpy": [np.random.get_state()[1].tolist(), *np.random.get_state()[2:]],
            "python": random.getstate(),
        }
    )


def _spoil(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model.eval()
    model[0].train()
    for _ in range(2):
        _train(model.train(), optimizer)
    for group in optimizer.param_groups:
        group["lr"] *= 3
        group["new"] = 1
    optimizer.param_groups[0]["weight_decay"] = 0.5
    np.random.rand(3)
    random.random()
    model[1].running_mean = torch.ones(4)
    for parameter in model.parameters():
        parameter.data = parameter.data.clone() + 1


def _nothing_trained(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """As before the first step: no gradients, no state."""


@pytest.mark.parametrize("make", [Adam, lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, lr=torch.tensor(0.01))])
@pytest.mark.parametrize("before", [_nothing_trained, _train])
@pytest.mark.parametrize("error", [None, ValueError("x"), KeyboardInterrupt()])
def test_gives_everything_back_bit_by_bit(
    make: Callable[..., torch.optim.Optimizer], before: Callable[..., None], error: BaseException | None
):
    model = _model()
    optimizer = make(model.parameters())
    before(model, optimizer)
    model[0].weight.grad = None
    model[2].eval()
    kept, memory = _everything(model, optimizer), [tensor.data_ptr() for tensor in model.state_dict().values()]
    try:
        with untouched(model, optimizer):
            _spoil(model, optimizer)
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        assert caught is error  # noqa: PT017 - that it is raised again is what is tested, of both kinds
    assert _everything(model, optimizer) == kept
    assert [tensor.data_ptr() for tensor in model.state_dict().values()] == memory


def test_what_is_kept_is_not_added_to():
    """A gradient that was there is the same tensor afterwards, and was None inside."""
    model = _model()
    optimizer = SGD(model.parameters(), 0.1)
    _train(model, optimizer)
    gradient = model[0].weight.grad
    with untouched(model, optimizer):
        assert model[0].weight.grad is None
        _train(model, optimizer)
    assert model[0].weight.grad is gradient


def test_nan_and_negative_zero_come_back():
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[float("nan"), -0.0]]))
    kept = _bits(model.weight)
    with untouched(model, SGD(model.parameters(), 0.1)), torch.no_grad():
        model.weight.zero_()
    assert _bits(model.weight) == kept


def test_a_scheduler_finds_its_optimizer_as_it_was():
    """Also torch's note that the optimizer was called, which the scheduler asks for."""
    model = nn.Linear(2, 1)
    optimizer = SGD(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with untouched(model, optimizer):
        optimizer.step()
    assert not getattr(optimizer, "_opt_called", False)
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.01])


def test_a_loaders_own_generators_come_back():
    data = TensorDataset(torch.arange(6.0))
    own, samplers = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    loader = DataLoader(data, sampler=RandomSampler(data, generator=samplers), generator=own)
    kept = own.get_state(), samplers.get_state()
    model = nn.Linear(2, 1)
    with untouched(model, SGD(model.parameters(), 0.1), loader):
        list(loader)
        assert not torch.equal(samplers.get_state(), kept[1])
    assert torch.equal(own.get_state(), kept[0])
    assert torch.equal(samplers.get_state(), kept[1])


def test_channels_last_becomes_what_it_was():
    model = nn.Conv2d(3, 4, 3)
    stride = model.weight.stride()
    with untouched(model, SGD(model.parameters(), 0.1)):
        model.weight.data = model.weight.data.contiguous(memory_format=torch.channels_last)
        assert model.weight.stride() != stride
    assert model.weight.stride() == stride
