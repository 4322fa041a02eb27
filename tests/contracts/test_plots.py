"""Every plot: arrays in, a Figure out, on the axes given, pyplot left alone. A new plot is a new row of `PLOTS`."""

import ast
import importlib.util
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stepwell import plots

X = np.linspace(0.0, 1.0, 20)
NAN = np.full(20, np.nan)
PICTURES = np.random.default_rng(0).random((5, 8, 8))

PLOTS = {
    "curves": lambda **ax: plots.curves(range(1, 21), {"train": X, "validation": X**2}, ylabel="loss", best=3, **ax),
    "curves, log": lambda **ax: plots.curves(range(1, 21), {"train": X}, ylabel="loss", log=True, **ax),
    "confusion": lambda **ax: plots.confusion([[5, 1], [0, 7]], ["cat", "dog"], **ax),
    "images": lambda **ax: plots.images(PICTURES, ["a", "b"], **ax),
    "fit": lambda **ax: plots.fit(X, X**2, X, **ax),
    "predictions": lambda **ax: plots.predictions(X, X**2, **ax),
    "function": lambda **ax: plots.function(X, {"f": X**2, "f'": 2 * X}, **ax),
}

DEGENERATE = {
    "curves, one epoch": lambda: plots.curves([1], {"train": [0.5], "validation": [0.7]}, ylabel="loss", best=1),
    "curves, all NaN": lambda: plots.curves(range(20), {"train": NAN}, ylabel="loss", log=True, best=3),
    "curves, infinite": lambda: plots.curves([1, 2], {"train": [np.inf, 1.0]}, ylabel="loss"),
    "curves, none positive": lambda: plots.curves([1, 2], {"train": [-1.0, 0.0]}, ylabel="loss", log=True),
    "curves, constant": lambda: plots.curves([1, 2], {"train": [2.0, 2.0]}, ylabel="loss", log=True, best=2),
    "curves, no series": lambda: plots.curves([1, 2], {}, ylabel="loss"),
    "curves, no epoch": lambda: plots.curves([], {"train": []}, ylabel="loss"),
    "curves, 5000 epochs": lambda: plots.curves(range(5000), {"train": np.arange(5000.0)}, ylabel="loss", log=True),
    "curves, huge": lambda: plots.curves([1, 2], {"train": [1e-300, 1e300]}, ylabel="loss"),
    "curves, markup": lambda: plots.curves([1, 2], {"$\\frac": [1, 2], "<b>\x00": [2, 3]}, ylabel="$x_"),
    "confusion, none": lambda: plots.confusion(np.zeros((0, 0)), []),
    "confusion, one class": lambda: plots.confusion([[3]], ["only"]),
    "confusion, empty rows": lambda: plots.confusion(np.zeros((3, 3)), ["a", "b", "c"]),
    "confusion, NaN": lambda: plots.confusion(np.full((2, 2), np.nan), ["a", "b"]),
    "confusion, many": lambda: plots.confusion(np.eye(40) * 12345, [f"a long class name, {i}" for i in range(40)]),
    "confusion, markup": lambda: plots.confusion(np.eye(2), ["$\\frac", "a\nb"]),
    "images, none": lambda: plots.images(np.zeros((0, 8, 8))),
    "images, one pixel": lambda: plots.images(np.ones((1, 1, 1, 1)), ["$"]),
    "images, all NaN": lambda: plots.images(np.full((2, 3, 4, 6), np.nan)),
    "images, large": lambda: plots.images(np.random.default_rng(0).random((2, 3, 400, 300))),
    "fit, one point": lambda: plots.fit([1], [2], [2.5]),
    "fit, all NaN": lambda: plots.fit(NAN, NAN, NAN),
    "fit, no rows": lambda: plots.fit([], [], []),
    "predictions, one point": lambda: plots.predictions([0.0], [0.0]),
    "predictions, all NaN": lambda: plots.predictions(NAN, NAN),
    "predictions, many": lambda: plots.predictions(np.arange(3000.0), np.arange(3000.0)),
    "function, one point": lambda: plots.function([0.0], {"f": [1.0]}),
    "function, all NaN": lambda: plots.function(X, {"f": NAN}),
    "function, a gap": lambda: plots.function(X, {"1/x": np.where(X > 0.5, X, np.nan)}),
}


def drawn(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return file.getvalue()


def test_every_public_plot_is_in_the_table() -> None:
    assert {name.partition(",")[0] for name in PLOTS} == set(plots.__all__)
    assert {name.partition(",")[0] for name in DEGENERATE} == set(plots.__all__)


@pytest.mark.parametrize("name", PLOTS)
def test_makes_a_figure_of_its_own(name: str) -> None:
    first, second = PLOTS[name](), PLOTS[name]()
    assert isinstance(first, Figure)
    assert first is not second
    assert "<svg" in drawn(first)


@pytest.mark.parametrize("name", PLOTS)
def test_draws_on_the_axes_given_and_nowhere_else(name: str) -> None:
    figure = Figure(layout="constrained")
    given, other = figure.subplots(1, 2)
    before = len(other.get_children())
    assert PLOTS[name](ax=given) is figure
    assert len(other.get_children()) == before
    assert figure.axes == [given, other]
    assert _artists(given) > _artists(other)
    drawn(figure)


def _artists(ax: Axes) -> int:
    return len(ax.lines) + len(ax.images) + len(ax.collections) + len(ax.texts)


@pytest.mark.parametrize("name", PLOTS)
def test_draws_in_a_subfigure(name: str) -> None:
    figure = Figure(layout="constrained")
    assert PLOTS[name](ax=figure.subfigures(1, 2)[0].subplots()) is figure


@pytest.mark.parametrize("name", DEGENERATE)
def test_takes_degenerate_input(name: str) -> None:
    assert "<svg" in drawn(DEGENERATE[name]())


def test_neither_torch_nor_pyplot_is_imported() -> None:
    code = (
        "import sys, numpy as np; from stepwell import plots\n"
        "plots.curves([1, 2], {'a': [1, 2]}, ylabel='y').savefig(sys.stdout.buffer, format='svg')\n"
        "bad = {'torch', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "sys.exit(f'imported: {bad}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_room_imports_numpy_and_matplotlib_only() -> None:
    folder = Path(importlib.util.find_spec("stepwell.plots").origin).parent
    imported = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported |= {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in imported if not name.startswith("stepwell.plots")} <= {
        name for name in imported if name.partition(".")[0] in ("numpy", "matplotlib")
    }
    assert "matplotlib.pyplot" not in imported
