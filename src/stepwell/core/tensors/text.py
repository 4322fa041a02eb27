"""What `inspect` found, as tables for a person: each value has a few words beside it that say what it means."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stepwell.core.tensors.storage import WIDTH

if TYPE_CHECKING:
    from stepwell.core.tensors.facts import Share, TensorFacts, TreeFacts

_USES = {
    "float32": "what networks compute in",
    "float64": "NumPy's default; networks take float32: {float32}",
    "float16": "half the memory; 3 digits, largest 65,504",
    "bfloat16": "half the memory; 2 to 3 digits, range of float32",
    "int64": "indices and classes",
    "bool": "masks",
    "uint8": "0 to 255, as in pictures: scale for training",
}
_MEANINGS = {
    "n": "in the batch",
    "c": "channels",
    "d": "deep",
    "h": "high",
    "w": "wide",
    "l": "long",
    "f": "features",
    "v": "words",
}
_CALLS = {
    "NumPy array": {"float32": "x.astype('float32')", "contiguous": "np.ascontiguousarray(x)", "copy": "x.copy()"},
    "": {"float32": "x.float()", "contiguous": "x.contiguous()", "copy": "x.clone()"},
}

Row = tuple[str, str, str]


def tensor_text(facts: "TensorFacts") -> str:
    """The table of one tensor, and the drawing of its storage below."""
    dtype = dtype_name(facts)
    rows = [
        ("shape", str(facts.shape), _shape(facts)),
        ("dtype", dtype, f"{counted(facts.itemsize, 'byte')} each{_use(facts, dtype)}"),
        ("device", facts.device, "shapes without data" if facts.device == "meta" else ""),
        ("stride", str(facts.stride), _stride(facts)),
        ("offset", f"{facts.offset:,}", "place of the first element in the storage"),
        ("contiguous", "yes" if facts.contiguous else "no", _contiguous(facts)),
        ("bytes", f"{facts.bytes:,}", _bytes(facts)),
        *([("span", "", facts.span)] if facts.span else []),
        ("gradient", "yes" if facts.requires_grad else "no", _gradient(facts)),
        *_values(facts),
        *_shares(facts),
    ]
    head = f"{facts.kind} {facts.shape} of {dtype} on {facts.device}"
    return "\n".join([head, "", *_table(rows), *(["", facts.drawing] if facts.drawing else [])])


def dtype_name(facts: "TensorFacts") -> str:
    """`float32` for torch's and NumPy's."""
    return str(facts.dtype).removeprefix("torch.")


def counted(number: int, what: str) -> str:
    """`1 byte`, `1,024 bytes`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(rows: Sequence[Row]) -> list[str]:
    """Lines of label, value and words; words that are too long go on below themselves."""
    labels = 2 + max(len(label) for label, _, _ in rows)
    values = 2 + max(len(value) for _, value, _ in rows)
    lines = []
    for label, value, words in rows:
        indent = " " * (labels + values)
        first, *rest = textwrap.wrap(words, max(WIDTH - len(indent), 32)) or [""]
        lines += [f"{label:<{labels}}{value:<{values}}{first}".rstrip(), *(indent + more for more in rest)]
    return lines


def _call(facts: "TensorFacts", what: str) -> str:
    return _CALLS.get(facts.kind, _CALLS[""])[what]


def _use(facts: "TensorFacts", dtype: str) -> str:
    return f": {_USES[dtype].format(float32=_call(facts, 'float32'))}" if dtype in _USES else ""


def _shape(facts: "TensorFacts") -> str:
    if not facts.shape:
        return "1 element: a number without dimensions"
    count = counted(facts.size, "element")
    if facts.dims is None:
        return count
    named = [f"{size} {_MEANINGS.get(name, name)}" for name, size in zip(facts.dims, facts.shape, strict=True)]
    return f"{count}: {', '.join(one.removesuffix('s') if one.startswith('1 ') else one for one in named)}"


def _labels(facts: "TensorFacts") -> tuple[str, ...]:
    letters = tuple("ijklmnop"[: len(facts.shape)])
    return facts.dims or (
        letters if len(letters) == len(facts.shape) else tuple(f"i{n}" for n in range(len(facts.shape)))
    )


def _stride(facts: "TensorFacts") -> str:
    if not facts.shape:
        return ""
    labels = _labels(facts)
    steps = [
        (step, f"{abs(step)}·{label}" if abs(step) != 1 else label)
        for step, label in zip(facts.stride, labels, strict=True)
        if step
    ]
    sums = "".join(f" {'+' if step > 0 else '-'} {moved}" for step, moved in steps).removeprefix(" + ")
    place = f"{facts.offset} {'' if sums.startswith(' ') else '+ '}{sums.strip()}" if facts.offset and sums else sums
    return f"[{', '.join(labels)}] lies at place {place or facts.offset}"


def _contiguous(facts: "TensorFacts") -> str:
    if facts.contiguous:
        return "places rise with the indices, the last first" if len(facts.shape) > 1 else ""
    labels = _labels(facts)
    if reason := _disorder(facts):
        return f"{reason}; {_call(facts, 'contiguous')} copies"
    order = sorted(range(len(labels)), key=lambda n: -facts.stride[n])
    return (
        f"lies in memory as [{', '.join(labels[n] for n in order)}]; {_call(facts, 'contiguous')} copies it"
        f" into the order [{', '.join(labels)}]"
    )


def _disorder(facts: "TensorFacts") -> str:
    """Why the elements do not fill a stretch of the storage one after another in any order; empty where they do."""
    moves = [(size - 1, step) for size, step in zip(facts.shape, facts.stride, strict=True) if size > 1]
    if any(step < 0 for _, step in moves):
        return "a negative stride runs backwards"
    if any(step == 0 for _, step in moves):
        return "a stride of 0 makes one place many elements"
    if facts.dense:
        return ""
    reach = 1 + sum(times * step for times, step in moves)
    return "gaps lie between its places" if reach > facts.size else "elements lie at the same places"


def _bytes(facts: "TensorFacts") -> str:
    if facts.bytes == facts.storage_bytes:
        return "all of its storage"
    if facts.bytes > facts.storage_bytes:
        return f"would be, but the storage has {facts.storage_bytes:,}: places are used again"
    kept = f" that it keeps alive: {_call(facts, 'copy')} frees it" if facts.storage_bytes >= 2**20 else ""
    return f"of a storage of {facts.storage_bytes:,}{kept}"


def _gradient(facts: "TensorFacts") -> str:
    if facts.kind == "NumPy array":
        return "autograd follows tensors alone"
    if not facts.requires_grad:
        return "autograd does not follow it"
    if facts.leaf:
        return f"a leaf: x.grad {'holds' if facts.has_grad else 'will hold'} its gradient"
    return f"no leaf: {facts.made_by} made it, so x.grad stays None"


def _values(facts: "TensorFacts") -> list[Row]:
    found = facts.statistics
    if found is not None and dtype_name(facts) == "bool":
        true = round(found.mean * found.finite)
        return [("values", f"{true:,} True", f"{found.finite - true:,} False")]
    if found is None or (facts.drawing and not found.nan and not found.infinite):
        return []
    counts = [f"{count:,} {name}" for count, name in ((found.nan, "NaN"), (found.infinite, "infinite")) if count]
    if not found.finite:
        return [("values", "none finite", ", ".join(counts))]
    words = [f"mean {number(found.mean)}, standard deviation {number(found.std)}", *counts]
    return [("values", f"{number(found.least)} to {number(found.largest)}", ", ".join(words))]


def number(value: float) -> str:
    """Whole numbers in full, others with four digits."""
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:.4g}"


def _shares(facts: "TensorFacts") -> list[Row]:
    rows = [("shares", name, _share(share)) for name, share in facts.shares.items()]
    return rows + [("no share", name, "another storage") for name in facts.apart]


def _share(share: "Share") -> str:
    if share.same:
        return "the same memory: a change in one is seen in the other"
    if share.elements is None:
        return "the same storage; too many elements with gaps to say which"
    if not share.elements:
        return "the same storage, but no element of it"
    return f"{share.elements:,} of its {counted(share.of, 'element')}"


def tree_text(facts: "TreeFacts") -> str:
    """A line for each tensor, and below them what they come to."""
    head = ("name", "shape", "dtype", "device", "stride", "bytes", "gradient", "shares with")
    rows = [head, *(_tree_row(name, one) for name, one in facts.tensors.items())]
    shown = [column for column in range(len(head)) if any(row[column] for row in rows[1:])]
    widths = [max(len(row[column]) for row in rows) for column in shown]
    lines = ["  ".join(f"{row[column]:<{width}}" for column, width in zip(shown, widths, strict=True)) for row in rows]
    elements = sum(one.size for one in facts.tensors.values())
    total = f"{counted(len(facts.tensors), 'tensor')}, {counted(elements, 'element')}"
    storage = f"{counted(facts.storage_bytes, 'byte')} of storage{_once(facts.tensors)}"
    return "\n".join([*map(str.rstrip, lines), "", f"{total}, {storage}"])


def _tree_row(name: str, facts: "TensorFacts") -> tuple[str, ...]:
    shared = ", ".join(other + ("" if share.same else " (part)") for other, share in facts.shares.items())
    stride = str(facts.stride) + ("" if facts.contiguous else " not contiguous")
    gradient = ("yes" if facts.leaf else "no leaf") if facts.requires_grad else "no"
    return (name, str(facts.shape), dtype_name(facts), facts.device, stride, f"{facts.bytes:,}", gradient, shared)


def _once(tensors: "Mapping[str, TensorFacts]") -> str:
    return " (each counted once)" if any(one.shares for one in tensors.values()) else ""
