"""What a tensor is, and where it lies: shape, dtype, stride, offset, storage, and with whom it shares its memory."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
from torch import Tensor, nn

from stepwell.core.errors import StepwellError
from stepwell.core.tensors.facts import Share, TensorFacts, TreeFacts
from stepwell.core.tensors.layout import Array, Layout, layout_of, neighbours, shared_elements
from stepwell.core.tensors.leaves import leaves
from stepwell.core.tensors.statistics import statistics
from stepwell.core.tensors.storage import span_bar, storage_drawing
from stepwell.core.trees import Tree

Inspected = Tensor | Array


@overload
def inspect(  # noqa: D418 - the house wants every public name documented
    x: Inspected, *others: Tree, dims: str | Sequence[str] | None = None
) -> TensorFacts:
    """Of one tensor or array."""


@overload
def inspect(x: Tree, *others: Tree, dims: None = None) -> Any:  # noqa: D418
    """Of all of a tree: `TreeFacts`."""


def inspect(x: Tree, *others: Tree, dims: str | Sequence[str] | None = None) -> TensorFacts | TreeFacts:
    """Look at a tensor or NumPy array, or at all of a tree: a dict, list or tuple of them, a batch, a module's parameters.

    In a notebook or at the prompt, `stepwell.inspect(x)` shows a table: shape, dtype, device, stride, offset, contiguity,
    bytes, gradient, and, for `others` (tensors, arrays or trees, too), which of them lie in the same storage and how many
    elements they have in common. A small storage is drawn, with the index of the element that lies at each place; of more
    elements there are statistics. `dims` names the dimensions: `inspect(images, dims="n c h w")`. Nothing is changed, and
    the result does not change with the tensor.

    Raises `StepwellError` for what is no tensor or holds none, for sparse tensors, and for names that do not fit.
    Source: Stevens et al., chapter 3 (book rows S3.6 to S3.11, S3.15; capability C2); T-03 of the overview.
    """
    found = dict(leaves(x))
    layouts = {name: layout_of(y) for name, y in _with_others(found, others).items()}
    beside = neighbours(layouts)
    if isinstance(x, (Tensor, np.ndarray)):
        apart = tuple(name for name in layouts if name and name not in beside[""])
        return _facts("", x, layouts, beside[""], apart=apart, statistics=statistics(x), dims=_names(dims, x.shape))
    if dims is not None:
        raise StepwellError(
            "`dims` names the dimensions of one tensor; this is a tree of several. Inspect one of them."
        )
    storages = {(layouts[name].device, layouts[name].storage) for name in found}
    return TreeFacts({name: _facts(name, y, layouts, beside[name]) for name, y in found.items()}, _total(storages))


def _with_others(found: Mapping[str, Inspected], others: Sequence[Tree]) -> dict[str, Inspected]:
    """The tensors of all by name. Those of a dict or module keep their own names, unless these are taken."""
    named = dict(found)
    for number, other in enumerate(others):
        own = dict(leaves(other))
        free = isinstance(other, (Mapping, nn.Module)) and not set(own) & set(named)
        named |= own if free else dict(leaves(other, f"others[{number}]"))
    return named


def _facts(name: str, x: Inspected, layouts: Mapping[str, Layout], beside: Sequence[str], **known: Any) -> TensorFacts:
    layout, drawing = layouts[name], storage_drawing(x, layouts[name])
    whole = drawing or layout.device == "meta" or len(layout.span) == len(layout.storage)
    return TensorFacts(
        **_kind(x),
        **_place(layout),
        **known,
        shares={other: _share(layout, layouts[other]) for other in beside},
        drawing=drawing,
        span="" if whole else span_bar(layout),
    )


def _kind(x: Inspected) -> dict[str, Any]:
    """What the object itself says."""
    tensor = x if isinstance(x, Tensor) else None
    return {
        "kind": "NumPy array" if tensor is None else type(tensor).__name__,
        "dtype": x.dtype,
        "contiguous": x.flags.c_contiguous if isinstance(x, np.ndarray) else x.is_contiguous(),
        "requires_grad": tensor is not None and tensor.requires_grad,
        "leaf": tensor is None or tensor.is_leaf,
        "has_grad": tensor is not None and tensor.is_leaf and tensor.grad is not None,
        "made_by": tensor.grad_fn.name() if tensor is not None and tensor.grad_fn is not None else None,
    }


def _place(layout: Layout) -> dict[str, Any]:
    """What follows from where the elements lie."""
    unit = layout.itemsize or 1
    return {
        "shape": layout.shape,
        "size": layout.size,
        "device": layout.device,
        "stride": tuple(step // unit for step in layout.steps),
        "offset": (layout.address - layout.storage.start) // unit,
        "dense": layout.dense,
        "itemsize": layout.itemsize,
        "bytes": layout.size * layout.itemsize,
        "storage_bytes": len(layout.storage),
    }


def _share(one: Layout, other: Layout) -> Share:
    elements = shared_elements(one, other)
    same = elements == one.size and shared_elements(other, one) == other.size
    return Share(elements, one.size, same)


def _names(dims: str | Sequence[str] | None, shape: Sequence[int]) -> tuple[str, ...] | None:
    if dims is None:
        return None
    names = tuple(dims.split()) if isinstance(dims, str) else tuple(dims)
    if len(names) != len(shape):
        raise StepwellError(
            f"The shape {tuple(shape)} has {len(shape)} dimensions, but dims names {len(names)}: {', '.join(names) or 'none'}."
            " Name each once, such as dims='n c h w'."
        )
    return names


def _total(storages: set[tuple[str, range]]) -> int:
    """Bytes of the storages; where arrays' storages overlap, the common part is counted once."""
    total, end, on = 0, 0, ""
    for device, storage in sorted(storages, key=lambda one: (one[0], one[1].start, one[1].stop)):
        start = max(storage.start, end) if device == on and device != "meta" else storage.start
        total += max(storage.stop - start, 0)
        end, on = max(storage.stop, end) if device == on else storage.stop, device
    return total
