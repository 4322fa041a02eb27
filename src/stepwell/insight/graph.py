"""A computation written down as a graph of operations before any number goes through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx, nn

from stepwell.core.errors import ModelError

_SILENT = ("get_attr", "output")  # nodes that compute nothing: parameters, and the end


@dataclass(frozen=True)
class Operation:
    """One node of a graph: the name of its result, what is done, and to what: names of earlier results, or numbers."""

    name: str
    does: str
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} = {self.does}({', '.join(self.inputs)})"


class _Watched(fx.Interpreter):
    """Runs a graph node by node and keeps what comes out."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.found: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if n.op not in _SILENT:
            self.found[n.name] = result
        return result


class Recorded:
    """A graph that can be called as the function that it was recorded from. `operations` are its steps, in order.

    Given tensors that require gradients, those flow through it as through the function.
    """

    def __init__(self, graph: fx.GraphModule) -> None:
        self._graph = graph
        self.operations: Sequence[Operation] = tuple(
            Operation(node.name, _does(node), tuple(map(str, node.args)))
            for node in graph.graph.nodes
            if node.op not in ("placeholder", *_SILENT)
        )
        self.inputs: Sequence[str] = tuple(node.name for node in graph.graph.nodes if node.op == "placeholder")

    def __call__(self, *values: Any) -> Any:
        """What the recorded operations make of numbers, or of tensors."""
        return self._graph(*values)

    def values(self, *values: Any) -> dict[str, Any]:
        """What every input and operation comes to, by name, in order."""
        watched = _Watched(self._graph)
        watched.run(*values)
        return watched.found

    def __str__(self) -> str:
        return "\n".join([f"inputs: {', '.join(self.inputs)}", *map(str, self.operations)])


def record(function: Callable[..., Any]) -> Recorded:
    """Run a function, or a model, once on placeholders instead of numbers, and write down what it does with them.

    `record(lambda a, b: (a**2 + b**2) ** 0.5)` has the operations pow, pow, add, pow. What a function decides by looking at
    a number cannot be written down so: then `ModelError` is raised. Source: Stevens et al., section 1.3 (book row S1.2).
    """
    try:
        return Recorded(fx.symbolic_trace(function))
    except (fx.proxy.TraceError, TypeError) as error:
        named = type(function) if isinstance(function, nn.Module) else function
        name = getattr(named, "__name__", str(named))
        raise ModelError(
            f"{name} cannot be recorded: it needs a number where there is only a placeholder ({_first(error)}). Recording"
            " suits functions whose steps do not depend on the values."
        ) from error


def _does(node: fx.Node) -> str:
    """The name of what a node does: of a function, a method, or a submodule."""
    if callable(node.target):
        return str(getattr(node.target, "__name__", node.target)).strip("_")
    return str(node.target)


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
