"""Where the elements of a tensor or a NumPy array lie in memory, and which of them are another's, too."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]
Addresses = np.ndarray[Any, np.dtype[np.int64]]

_COMPARED = 2**20  # elements that are compared one by one; tensors without gaps need no such comparison


@dataclass(frozen=True)
class Layout:
    """The place of each element: element `[i, j]` begins at byte `address + i * steps[0] + j * steps[1]`.

    `steps` are in bytes and may be 0 or negative; `storage` are the addresses of the bytes that the elements are a view of.
    """

    device: str
    shape: tuple[int, ...]
    steps: tuple[int, ...]
    itemsize: int
    address: int
    storage: range

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def span(self) -> range:
        """The addresses from the first byte that an element uses to the last; there may be gaps between elements."""
        if not self.size:
            return range(self.address, self.address)
        moves = [(size - 1) * step for size, step in zip(self.shape, self.steps, strict=True)]
        low, high = sum(min(move, 0) for move in moves), sum(max(move, 0) for move in moves)
        return range(self.address + low, self.address + high + self.itemsize)

    @property
    def dense(self) -> bool:
        """Whether the elements fill their span without gaps, each byte once, in whatever order."""
        expected = self.itemsize
        sides = zip(self.shape, self.steps, strict=True)
        for step, size in sorted((abs(step), size) for size, step in sides if size != 1):
            if step != expected:
                return False
            expected *= size
        return True

    def addresses(self) -> Addresses:
        """Where each element begins: int64 of shape `(size,)`, in the order of the indices."""
        found = np.array([self.address], np.int64)
        for size, step in zip(self.shape, self.steps, strict=True):
            found = (found[:, None] + step * np.arange(size, dtype=np.int64)).reshape(-1)
        return found


def layout_of(x: Tensor | Array) -> Layout:
    """The layout of a strided tensor or a NumPy array. A tensor without data (`meta`) has the addresses 0 and on."""
    if isinstance(x, Tensor):
        storage, itemsize = x.untyped_storage(), x.element_size()
        start = storage.data_ptr()
        steps = tuple(step * itemsize for step in x.stride())
        address = start + int(x.storage_offset()) * itemsize
        return Layout(str(x.device), tuple(x.shape), steps, itemsize, address, range(start, start + storage.nbytes()))
    address = x.__array_interface__["data"][0]
    return Layout("cpu", x.shape, x.strides, x.itemsize, address, _storage(x))


def owner_of(x: Array) -> Array | Tensor:
    """What holds the memory of an array: the array that it is a view of in the end, or the tensor that this one is of."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x.base if isinstance(x.base, Tensor) else x


def _storage(x: Array) -> range:
    owner = owner_of(x)
    if isinstance(owner, Tensor):
        return layout_of(owner).storage
    return Layout(
        "cpu", owner.shape, owner.strides, owner.itemsize, owner.__array_interface__["data"][0], range(0)
    ).span


def one_memory(one: Layout, other: Layout) -> bool:
    """Whether two layouts lie in storages that have bytes in common."""
    if one.device != other.device or one.device == "meta":
        return False
    return max(one.storage.start, other.storage.start) < min(one.storage.stop, other.storage.stop)


def neighbours(layouts: Mapping[str, Layout]) -> dict[str, list[str]]:
    """For each layout the others that share its storage, by name; found by one walk over the storages in order."""
    found: dict[str, list[str]] = {name: [] for name in layouts}
    open_: list[str] = []
    for name, layout in sorted(layouts.items(), key=lambda item: (item[1].device, item[1].storage.start)):
        open_ = [other for other in open_ if one_memory(layouts[other], layout)]
        for other in open_:
            found[other].append(name)
            found[name].append(other)
        open_.append(name)
    order = {name: number for number, name in enumerate(layouts)}
    return {name: sorted(others, key=order.__getitem__) for name, others in found.items()}


def shared_elements(one: Layout, other: Layout) -> int | None:
    """How many elements of `one` have a byte that is also `other`'s; None where both have gaps and are too many to compare."""
    low, high = max(one.span.start, other.span.start), min(one.span.stop, other.span.stop)
    if not one_memory(one, other) or low >= high:
        return 0
    if one.dense and other.dense:
        start = one.span.start
        return -(-(high - start) // one.itemsize) - (low - start) // one.itemsize
    if max(one.size, other.size) > _COMPARED:
        return None
    begins, others = one.addresses(), np.sort(other.addresses())
    before = np.searchsorted(others, begins + one.itemsize) - 1  # the last that begins before an element ends
    return int(((before >= 0) & (others[before] + other.itemsize > begins)).sum())


def places(x: Tensor | Array) -> tuple[Array, Addresses] | None:
    """The elements of the storage of `x` in order, `(places,)`, and the place of each of `x`'s own, `(size,)`.

    None where there is no data, or the storage cannot be read as elements of `x`'s kind.
    """
    layout, stored = layout_of(x), _stored(x)
    if stored is None:
        return None
    distances = layout.addresses() - layout.storage.start
    if bool((distances % layout.itemsize).any()):
        return None
    return stored, distances // layout.itemsize


def _stored(x: Tensor | Array) -> Array | None:
    if isinstance(x, Tensor):
        return _stored_by_torch(x)
    owner = owner_of(x)
    if isinstance(owner, Tensor):
        return _stored_by_torch(owner) if owner.numpy().dtype == x.dtype else None
    flat = owner.ravel(order="K")
    return flat.view(x.dtype) if np.shares_memory(flat, owner) and flat.nbytes % x.itemsize == 0 else None


def _stored_by_torch(x: Tensor) -> Array | None:
    if x.device.type == "meta":
        return None
    storage = x.untyped_storage()
    count = storage.nbytes() // x.element_size()
    flat = torch.empty(0, dtype=x.dtype, device=x.device).set_(storage, 0, (count,), (1,)).cpu()
    return (flat.float() if flat.is_floating_point() and flat.dtype != torch.float64 else flat).numpy()
