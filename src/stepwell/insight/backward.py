"""The graph that autograd wrote down while a result was computed: what `backward()` will walk through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from torch import Tensor, nn

from stepwell.core.errors import ModelError

Kind = Literal["leaf", "operation", "result"]
_LINES = 200  # of a graph's text
_COLOURS = {"leaf": "lightblue", "operation": "lightgrey", "result": "darkolivegreen1"}


@dataclass(frozen=True)
class Node:
    """A box of the graph: a leaf (a tensor whose gradient will be kept), an operation, or the result."""

    label: str
    kind: Kind


@dataclass(frozen=True)
class BackwardGraph:
    """Nodes, the result first, and edges `(user, used)` between their numbers; its `repr` is a tree.

    What does not require gradients is not in it: data, and parameters that are frozen.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def leaves(self) -> tuple[str, ...]:
        """The labels of the leaves, in the order in which the way back meets them."""
        return tuple(node.label for node in self.nodes if node.kind == "leaf")

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations, the last first."""
        return tuple(node.label for node in self.nodes if node.kind == "operation")

    @property
    def arrows(self) -> list[tuple[str, str]]:
        """The edges as `plots.graph(found.arrows, kinds=found.kinds, texts=found.texts)` draws them, in the way of forward."""
        return [(str(used), str(user)) for user, used in self.edges]

    @property
    def kinds(self) -> dict[str, str]:
        """What each box of `plots.graph` is."""
        return {str(n): "parameter" if node.kind == "leaf" else node.kind for n, node in enumerate(self.nodes)}

    @property
    def texts(self) -> dict[str, str]:
        """What each box of `plots.graph` says."""
        return {str(n): node.label for n, node in enumerate(self.nodes)}

    def to_dot(self) -> str:
        """The graph in the language of Graphviz, in the colours of torchviz: leaves blue, operations grey, result green."""
        boxes = (
            f'  {number} [label="{node.label}", shape=box, style=filled, fillcolor={_COLOURS[node.kind]}];'
            for number, node in enumerate(self.nodes)
        )
        arrows = (f"  {used} -> {user};" for user, used in self.edges)
        return "\n".join(["digraph {", *boxes, *arrows, "}"])

    def __repr__(self) -> str:
        lines = list(islice(self._lines(), _LINES + 1))
        return "\n".join(lines if len(lines) <= _LINES else [*lines[:_LINES], f"… of {len(self.nodes):,} in all"])

    def _lines(self) -> Iterator[str]:
        used: dict[int, list[int]] = {number: [] for number in range(len(self.nodes))}
        for user, below in self.edges:
            used[user].append(below)
        drawn = set[int]()
        waiting = [(0, "", "")]
        while waiting:
            number, branch, margin = waiting.pop()
            again = number in drawn and bool(used[number])
            yield f"{branch}{self.nodes[number].label}{' (as above)' if again else ''}"
            drawn.add(number)
            for place, below in enumerate(reversed([] if again else used[number])):
                last = place == 0
                waiting.append((below, margin + ("└─ " if last else "├─ "), margin + ("   " if last else "│  ")))


def backward_graph(result: Tensor, names: nn.Module | Mapping[str, Tensor] | None = None) -> BackwardGraph:
    """The operations between a result and the leaves that its gradient will reach.

    `names` are the leaves by name, or a module, whose parameters have some; a leaf without one shows its shape. Operations
    are called as autograd calls them, without `Backward`. Raises `ModelError` for a result that requires no gradient.
    Source: Godoy, volume I, chapter 1 (book row S04).
    """
    if result.grad_fn is None:
        raise ModelError(
            "The result has no graph: it was computed from tensors that require no gradient, or under torch.no_grad()."
        )
    known = dict(names.named_parameters()) if isinstance(names, nn.Module) else dict(names or {})
    called = {id(tensor): name for name, tensor in known.items()}
    nodes, edges = [Node(_label("result", result), "result")], list[tuple[int, int]]()
    _walk(result.grad_fn, 0, nodes, edges, {}, called)
    return BackwardGraph(tuple(nodes), tuple(edges))


def _walk(
    start: Any,
    user: int,
    nodes: list[Node],
    edges: list[tuple[int, int]],
    numbers: dict[Any, int],
    called: dict[int, str],
) -> None:
    """Depth first, without recursion: graphs of long sequences are deep."""
    waiting = [(start, user)]
    while waiting:
        function, user = waiting.pop()
        new = function not in numbers
        if new:
            numbers[function] = len(nodes)
            nodes.append(_node(function, called))
        edges.append((user, numbers[function]))
        if new:
            below = [one for one, _ in function.next_functions if one is not None]
            waiting += [(one, numbers[function]) for one in reversed(below)]


def _node(function: Any, called: dict[int, str]) -> Node:
    leaf = getattr(function, "variable", None)  # what AccumulateGrad keeps the gradient of
    if leaf is not None:
        return Node(_label(called.get(id(leaf), "leaf"), leaf), "leaf")
    return Node(function.name().rpartition("::")[2].rstrip("0123456789").removesuffix("Backward"), "operation")


def _label(name: str, tensor: Tensor) -> str:
    return f"{name} {tuple(tensor.shape)}"
