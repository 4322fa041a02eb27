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
from stepwell.plots.confused import Row
from stepwell.plots.space import Panel

X = np.linspace(0.0, 1.0, 20)
NAN = np.full(20, np.nan)
HOURS = np.datetime64("2012-12-31T10:00") + np.arange(20) * np.timedelta64(1, "h")
Y = np.linspace(0.0, 1.0, 9)
BOWL = (X[None] - 0.5) ** 2 + (Y[:, None] - 0.5) ** 2
WAY = np.array([[0.1, 0.2], [0.4, 0.3], [0.5, 0.5]])
PICTURES = np.random.default_rng(0).random((5, 8, 8))


def _line(ax: Axes) -> Figure:
    return plots.function(X, {"f": X**2}, ax=ax)


PLOTS = {
    "augmented": lambda **ax: plots.augmented(PICTURES, np.stack([PICTURES, 1 - PICTURES]), list("abcde"), **ax),
    "augmented, colour": lambda **ax: plots.augmented(np.ones((2, 3, 8, 4)), np.ones((3, 2, 3, 5, 5)), **ax),
    "curves": lambda **ax: plots.curves(range(1, 21), {"train": X, "validation": X**2}, ylabel="loss", best=3, **ax),
    "curves, log": lambda **ax: plots.curves(range(1, 21), {"train": X}, ylabel="loss", log=True, **ax),
    "confusion": lambda **ax: plots.confusion([[5, 1], [0, 7]], ["cat", "dog"], **ax),
    "images": lambda **ax: plots.images(PICTURES, ["a", "b"], **ax),
    "fit": lambda **ax: plots.fit(X, X**2, X, **ax),
    "predictions": lambda **ax: plots.predictions(X, X**2, **ax),
    "forecast": lambda **ax: plots.forecast(HOURS, X, X**2, naive=X / 2, low=X - 1, high=X + 1, name="cnt", **ax),
    "forecast, numbers": lambda **ax: plots.forecast(range(20), X, X**2, **ax),
    "function": lambda **ax: plots.function(X, {"f": X**2, "f'": 2 * X}, **ax),
    "importance": lambda **ax: plots.importance(["a", "b", "c"], [3, 1, -0.1], [0.5, 0.1, 0.2], metric="RMSE", **ax),
    "dependence": lambda **ax: plots.dependence(X, X**2, X**2 - 1, X**2 + 1, curves=X[:, None] + X, **ax),
    "dependence, names": lambda **ax: plots.dependence(["red", "green"], [1, 2], [0, 1], [2, 3], **ax),
    "calibration": lambda **ax: plots.calibration(X, X**2, np.arange(20), ece=0.1, **ax),
    "surface": lambda **ax: plots.surface(
        X, Y, BOWL, start=(0, 0), minimum=(0.5, 0.5), paths={"a": WAY}, at_x=0.3, **ax
    ),
    "cut": lambda **ax: plots.cut(X, X**2, before=(0.9, 0.81), after=(0.5, 0.25), **ax),
    "relief": lambda **ax: plots.relief(X, Y, BOWL, start=(0, 0), minimum=(0.5, 0.5), path=WAY, **ax),
    "scatter": lambda **ax: plots.scatter(WAY, [0, 1, 2], classes=["a", "b", "c"], **ax),
    "regions": lambda **ax: plots.regions(X, Y, BOWL, points=WAY, labels=[0, 1, 1], classes=["a", "b"], **ax),
    "regions, three classes": lambda **ax: plots.regions(X, Y, np.random.default_rng(0).random((9, 20, 3)), **ax),
    "spaces": lambda **ax: plots.spaces({"in": Panel(WAY), "out": Panel(WAY, WAY[None], X, Y, BOWL)}, [0, 1, 1], **ax),
    "number_line": lambda **ax: plots.number_line(X, X > 0.5, classes=["red", "blue"], **ax),
    "probability_line": lambda **ax: plots.probability_line(X, X > 0.4, thresholds=(0.3, 0.5), split=True, **ax),
    "bars": lambda **ax: plots.bars(["network", "linear", "mean"], [2.0, 3.0, -1.0], xlabel="RMSE", **ax),
    "precision_recall": lambda **ax: plots.precision_recall(1 - X / 2, X, area=0.7, share=0.5, mark=(0.5, 0.8), **ax),
    "residuals": lambda **ax: plots.residuals(X, X**2 - X, name="y", low=-0.2, high=0.1, **ax),
    "histogram": lambda **ax: plots.histogram(X**2, xlabel="residual", low=0.1, high=0.9, **ax),
    "roc": lambda **ax: plots.roc(X, X**0.5, area=0.8, mark=(0.2, 0.5), **ax),
    "function, log": lambda **ax: plots.function(X, {"f": X + 1}, log=True, marks={"here": (0.5, 1.5)}, **ax),
    "descent": lambda **ax: plots.descent(X, X**2, [1.0, 0.5, 0.2], [1.0, 0.25, 0.04], **ax),
    "designs": lambda **ax: plots.designs({"base": ([0.93, 0.92], [0.89, 0.88]), "l2": ([0.9], [0.87])}, **ax),
    "tangents": lambda **ax: plots.tangents(X, X**2, [0.2, 0.8], [0.4, 1.6], **ax),
    "groups": lambda **ax: plots.groups({"a": (X, X), "b": (X, X**2)}, lines={"line": (X, X)}, **ax),
    "errors": lambda **ax: plots.errors(X, X**2, X, **ax),
    "errors, one": lambda **ax: plots.errors(X, X**2, X, rows=[3], **ax),
    "progress": lambda **ax: plots.progress(
        {"long": (X, X), "short": (X[:5], X[:5])}, xlabel="s", ylabel="y", marks={"m": 0.5}, **ax
    ),
    "range_test": lambda **ax: plots.range_test(X + 0.1, 1 - X, 1 - X, suggestion=0.5, diverged=True, **ax),
    "rates": lambda **ax: plots.rates({"StepLR": [1, 1, 0.1], "other": [0.5, 0.2, 0.1]}, log=True, **ax),
    "violins": lambda **ax: plots.violins({"a": X, "b": X**2 - 0.5, "c": np.zeros(9)}, ylabel="y", zeros=True, **ax),
    "violins, boxes": lambda **ax: plots.violins({"a": X, "b": X**2}, ylabel="y", boxes=True, **ax),
    "distributions": lambda **ax: plots.distributions(["a", "b"], {"p": [0.1, 0.9], "q": [0.4, 0.6]}, **ax),
    "heat": lambda **ax: plots.heat(PICTURES[0], **ax),
    "heat, large": lambda **ax: plots.heat(np.outer(X, X), name="number", **ax),
    "panels": lambda **ax: plots.panels({"a": _line, "b": _line, "c": _line}, share="both", **ax),
    "graph": lambda **ax: plots.graph([("a", "b", "word"), ("b", "c"), ("c", "a", "back")], kinds={"a": "data"}, **ax),
    "graph, across": lambda **ax: plots.graph([("a", "b", "word"), ("b", "c"), ("c", "a", "back")], across=True, **ax),
    "network": lambda **ax: plots.network([["x"], 4, 30], names=["in", "hidden", "out"], **ax),
    "network, weights": lambda **ax: plots.network([2, 1], weights=[[[1.0, -2.0]]], **ax),
    "flow": lambda **ax: plots.flow([("", (3, 3, 8, 8)), ("Flatten", (3, 192)), ("Linear", (3, 2))], **ax),
    "nested": lambda **ax: plots.nested([("outer", "text"), ("inner", "")], **ax),
    "tensors": lambda **ax: plots.tensors({"a": 1.5, "b": np.eye(3)}, picked={"b": np.eye(3)}, arrows=True, **ax),
    "broadcast": lambda **ax: plots.broadcast([[1], [2]], [3, 4, 5], **ax),
    "storage": lambda **ax: plots.storage(range(6), {"x": ((3, 2), (2, 1)), "x[1]": ((2,), (1,), 2)}, **ax),
    "filters": lambda **ax: plots.filters(PICTURES[:, None] - 0.5, **ax),
    "filters, colour": lambda **ax: plots.filters(np.stack([PICTURES, PICTURES, PICTURES], axis=1) - 0.5, **ax),
    "filters, channels": lambda **ax: plots.filters(np.stack([PICTURES[:, :3, :3]] * 4, axis=1), **ax),
    "feature_maps": lambda **ax: plots.feature_maps({"conv": PICTURES - 0.5, "flatten": X, "fc": X[:3]}, **ax),
    "overlays": lambda **ax: plots.overlays(PICTURES[0], {"map": PICTURES[1], "signed": PICTURES[2] - 0.5}, **ax),
    "confused": lambda **ax: plots.confused([Row("a for b", PICTURES[:2], PICTURES), Row("c", PICTURES[:1])], **ax),
    "field": lambda **ax: plots.field(PICTURES[0], {"unit": (1, 2, 5, 6)}, **ax),
    "words": lambda **ax: plots.words(list("abc"), [0, 1, 1], [0, 0, 0.01], groups=["u", "u", "v"], **ax),
}

DEGENERATE = {
    "augmented, none": lambda: plots.augmented(np.zeros((0, 1, 8, 8)), np.zeros((2, 0, 1, 8, 8))),
    "augmented, no draws": lambda: plots.augmented(PICTURES, np.zeros((0, 5, 8, 8)), ["$a"]),
    "augmented, NaN": lambda: plots.augmented(np.full((1, 4, 4), np.nan), np.full((1, 1, 4, 4), np.inf)),
    "augmented, large": lambda: plots.augmented(np.full((1, 3, 400, 300), 7, np.uint8), np.ones((1, 1, 3, 400, 300))),
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
    "forecast, one time": lambda: plots.forecast(["2012-12-31 23:00"], [1.0], [2.0], naive=[np.inf]),
    "forecast, no time": lambda: plots.forecast([], [], []),
    "forecast, all NaN": lambda: plots.forecast(HOURS, NAN, NAN, low=NAN, high=NAN),
    "forecast, no truth yet": lambda: plots.forecast(HOURS, NAN, X, name="$x_ <b>"),
    "forecast, a century": lambda: plots.forecast(np.arange("1900", "1920", dtype="M8[Y]"), X, X),
    "forecast, a second": lambda: plots.forecast(HOURS[0] + np.arange(20) * np.timedelta64(50, "ms"), X, X),
    "function, one point": lambda: plots.function([0.0], {"f": [1.0]}),
    "function, all NaN": lambda: plots.function(X, {"f": NAN}),
    "function, a gap": lambda: plots.function(X, {"1/x": np.where(X > 0.5, X, np.nan)}),
    "importance, none": lambda: plots.importance([], []),
    "importance, all zero": lambda: plots.importance(["$x_", "b"], [0, 0], [0, 0]),
    "importance, NaN": lambda: plots.importance(["a", "b"], [np.nan, 1.0], [np.nan, np.nan]),
    "importance, many": lambda: plots.importance([f"column {i}" for i in range(50)], np.arange(50.0)),
    "dependence, one point": lambda: plots.dependence([1.0], [2.0], [1.0], [3.0]),
    "dependence, none": lambda: plots.dependence([], []),
    "dependence, NaN": lambda: plots.dependence(X, NAN, NAN, NAN),
    "dependence, long names": lambda: plots.dependence([f"$a long name {i}" for i in range(12)], range(12)),
    "calibration, one bin": lambda: plots.calibration([0.5], [1.0], [7]),
    "calibration, none": lambda: plots.calibration([], [], []),
    "calibration, NaN": lambda: plots.calibration(NAN, NAN, np.zeros(20)),
    "surface, NaN": lambda: plots.surface(X, Y, np.full((9, 20), np.nan)),
    "surface, flat": lambda: plots.surface(X, Y, np.ones((9, 20)), paths={}),
    "surface, infinite": lambda: plots.surface(X, Y, np.where(BOWL > 0.3, np.inf, BOWL)),
    "surface, a path of one point": lambda: plots.surface(X, Y, BOWL, paths={"$a": [[0.1, 0.1]], "b": [[np.nan, 0]]}),
    "surface, even": lambda: plots.surface([0, 1], [0, 1], [[-1, 0], [0, 1]], even=True),
    "cut, one point": lambda: plots.cut([1.0], [2.0], before=(1, 2), after=(1, 2)),
    "cut, NaN": lambda: plots.cut(X, NAN),
    "relief, NaN": lambda: plots.relief(X, Y, np.full((9, 20), np.nan)),
    "relief, flat": lambda: plots.relief(X, Y, np.zeros((9, 20)), azimuth=0, elevation=0),
    "relief, from above": lambda: plots.relief(X, Y, np.where(BOWL > 0.3, np.inf, BOWL), elevation=90),
    "relief, two by two": lambda: plots.relief([0, 1], [0, 1], [[0, 1], [1, 2]]),
    "scatter, none": lambda: plots.scatter(np.zeros((0, 2)), []),
    "scatter, NaN": lambda: plots.scatter([[np.nan, 1]], [0], classes=["$"]),
    "scatter, many": lambda: plots.scatter(np.random.default_rng(0).random((3000, 2)), np.arange(3000) % 7),
    "regions, sure": lambda: plots.regions(X, Y, np.ones((9, 20)), threshold=0.0),
    "regions, NaN": lambda: plots.regions(X, Y, np.full((9, 20), np.nan)),
    "regions, one of three": lambda: plots.regions(X, Y, np.ones((9, 20, 3)) * [0, 1, 0], points=WAY),
    "spaces, none": lambda: plots.spaces({}, []),
    "spaces, no rows": lambda: plots.spaces({"$x": Panel(np.zeros((0, 2)))}, []),
    "number_line, none": lambda: plots.number_line([], []),
    "number_line, one": lambda: plots.number_line([1.0], [3], classes=["$"]),
    "probability_line, none": lambda: plots.probability_line([], []),
    "probability_line, no threshold": lambda: plots.probability_line([0.5], [1], thresholds=()),
    "probability_line, NaN": lambda: plots.probability_line([np.nan, 0.5], [1, 0], classes=["$"]),
    "bars, none": lambda: plots.bars([], []),
    "bars, NaN": lambda: plots.bars(["a", "b"], [np.nan, 1.0], highlight=None),
    "bars, all NaN": lambda: plots.bars(["$a", "b\x00"], [np.nan, np.inf]),
    "bars, all zero": lambda: plots.bars(["a"] * 2, [0.0, 0.0], highlight=-1),
    "bars, all negative": lambda: plots.bars(["a very long name that is cut somewhere", "b"], [-2.0, -1e9]),
    "precision_recall, one point": lambda: plots.precision_recall([1.0], [0.0]),
    "precision_recall, NaN": lambda: plots.precision_recall(NAN, X, area=np.nan),
    "residuals, one point": lambda: plots.residuals([1.0], [0.0]),
    "residuals, all NaN": lambda: plots.residuals(NAN, NAN, low=np.nan, high=1.0),
    "residuals, many": lambda: plots.residuals(np.arange(3000.0), np.ones(3000)),
    "histogram, one value": lambda: plots.histogram([3.0]),
    "histogram, equal values": lambda: plots.histogram(np.zeros(30), low=0.0, high=0.0),
    "histogram, far out": lambda: plots.histogram(np.append(X, 1e12)),
    "histogram, none": lambda: plots.histogram([]),
    "histogram, huge": lambda: plots.histogram([-1e300, 1e300]),
    "roc, one point": lambda: plots.roc([0.0], [0.0]),
    "roc, all NaN": lambda: plots.roc(NAN, NAN, area=np.nan, mark=(np.nan, np.nan)),
    "function, log of nothing": lambda: plots.function(X, {"f": -X}, log=True),
    "function, nothing": lambda: plots.function([], {}),
    "descent, no steps": lambda: plots.descent(X, X, [], []),
    "descent, diverges": lambda: plots.descent(X, X, [0.0, 1e300, np.inf], [0.0, 1e300, np.nan]),
    "descent, all NaN": lambda: plots.descent(X, NAN, [0.5], [0.5]),
    "designs, none": lambda: plots.designs({}),
    "designs, NaN": lambda: plots.designs({"$a": ([np.nan], []), "b": ([np.inf, 0.5], [0.4])}),
    "designs, all NaN": lambda: plots.designs({"a": (NAN, NAN)}, score="$x_"),
    "designs, many": lambda: plots.designs({f"a long name of {i}": (X, X / 2) for i in range(30)}),
    "tangents, upright": lambda: plots.tangents(X, X, [0.5], [1e12]),
    "tangents, constant": lambda: plots.tangents(X, np.ones(20), [0.5], [0.0]),
    "tangents, all NaN": lambda: plots.tangents(X, NAN, [0.5], [0.5]),
    "groups, none": lambda: plots.groups({}),
    "groups, all NaN": lambda: plots.groups({"a": (NAN, X), "b": ([], [])}, lines={"l": (NAN, NAN)}, equal=True),
    "groups, markup": lambda: plots.groups(
        {"$\\frac": ([1], [1]), "<b>\x00": ([2], [2])}, lines={"$": ([1, 2], [1, 2])}
    ),
    "groups, many": lambda: plots.groups({str(i): (np.arange(3000.0), np.arange(3000.0)) for i in range(8)}),
    "errors, no rows": lambda: plots.errors([], [], []),
    "errors, NaN": lambda: plots.errors(X, NAN, X, rows=[0]),
    "progress, none": lambda: plots.progress({}, xlabel="", ylabel="", log=True),
    "progress, none positive": lambda: plots.progress({"a": (X, -X)}, xlabel="", ylabel="", log=True, marks={"$": 0.5}),
    "progress, one point": lambda: plots.progress({"a": ([1], [1])}, xlabel="", ylabel=""),
    "range_test, none": lambda: plots.range_test([], []),
    "range_test, one step": lambda: plots.range_test([0.1], [2.0], diverged=True),
    "range_test, NaN": lambda: plots.range_test(X, NAN, NAN, suggestion=0.1, diverged=True),
    "range_test, breaks": lambda: plots.range_test(
        X + 0.1, np.where(X > 0.8, np.inf, X), suggestion=9.0, diverged=True
    ),
    "range_test, flat": lambda: plots.range_test(X + 0.1, np.ones(20)),
    "rates, none": lambda: plots.rates({}, log=True),
    "rates, none positive": lambda: plots.rates({"$a": [0.0, -1.0], "b": []}, log=True),
    "rates, one step": lambda: plots.rates({"a": [0.1]}, per_epoch=3),
    "rates, NaN": lambda: plots.rates({"a": NAN}, ylabel="$x_"),
    "violins, none": lambda: plots.violins({}, ylabel="y"),
    "violins, NaN": lambda: plots.violins({"$a": NAN, "b": [np.inf, 1.0]}, ylabel="$y", zeros=True),
    "violins, one value": lambda: plots.violins({"a": [2.0], "b": [3.0, 3.0]}, ylabel="y", boxes=True),
    "violins, tiny and huge": lambda: plots.violins({"a": X * 1e-300, "b": X * 1e300}, ylabel="y"),
    "violins, many": lambda: plots.violins({str(i): np.arange(9000.0) for i in range(20)}, ylabel="y"),
    "distributions, none": lambda: plots.distributions([], {}),
    "distributions, NaN": lambda: plots.distributions(["a", "$b"], {"$p": [np.nan, 1.0], "q": [-1.0, np.inf]}),
    "heat, none": lambda: plots.heat(np.zeros((0, 3))),
    "heat, NaN": lambda: plots.heat([[np.nan, np.inf], [1.0, 2.0]], rows=["$a", "b"], columns=["c", "d"], name="$"),
    "heat, one value": lambda: plots.heat([[0.0]]),
    "heat, negative": lambda: plots.heat(-np.ones((20, 20))),
    "heat, huge": lambda: plots.heat([[-1e300, 1e300]]),
    "panels, none": lambda: plots.panels({}),
    "panels, markup": lambda: plots.panels({"$x_": _line}, share="x"),
    "graph, none": lambda: plots.graph([]),
    "graph, to itself": lambda: plots.graph([("a", "a", "again")]),
    "graph, one box": lambda: plots.graph([], texts={"a": "$\\frac\n<b>\x00"}),
    "graph, twice": lambda: plots.graph([("a", "b"), ("a", "b"), ("b", "a"), ("b", "a")], across=True),
    "graph, long": lambda: plots.graph([(str(i), str(j)) for i in range(7) for j in range(i + 1, 7)]),
    "network, none": lambda: plots.network([]),
    "network, an empty layer": lambda: plots.network([2, 0, 1]),
    "network, one layer": lambda: plots.network([["$x_", "a very long text"]]),
    "network, no weight": lambda: plots.network([2, 1], weights=[[[0.0, 0.0]]]),
    "flow, none": lambda: plots.flow([]),
    "flow, a number": lambda: plots.flow([("", ()), ("$sum", (1,)), ("view", (1, 2, 3, 4, 5))], batch=False),
    "nested, none": lambda: plots.nested([]),
    "nested, markup": lambda: plots.nested([("$x_", "<b>\x00\n$y")]),
    "tensors, none": lambda: plots.tensors({}),
    "tensors, empty": lambda: plots.tensors({"$x": np.zeros((0, 3)), "y": [np.nan, np.inf], "z": ["a", "$"]}),
    "tensors, large": lambda: plots.tensors({"x": np.zeros((20, 3, 40))}),
    "broadcast, numbers": lambda: plots.broadcast(1, 2, "×"),
    "storage, none": lambda: plots.storage([], {}),
    "storage, no views": lambda: plots.storage([1, 2], {}),
    "storage, one place": lambda: plots.storage([np.nan], {"$": ((1, 3), (0, 0))}),
    "filters, none": lambda: plots.filters(np.zeros((0, 3, 3, 3))),
    "filters, NaN": lambda: plots.filters(np.full((2, 1, 3, 3), np.nan), title="$x_"),
    "filters, all zero": lambda: plots.filters(np.zeros((2, 3, 7, 7))),
    "filters, many": lambda: plots.filters(np.ones((100, 100, 1, 1))),
    "feature_maps, none": lambda: plots.feature_maps({}),
    "feature_maps, NaN": lambda: plots.feature_maps({"$a": np.full((2, 4, 4), np.nan), "b": [np.inf], "c": []}),
    "feature_maps, many": lambda: plots.feature_maps({"a": np.ones((500, 1, 30)), "b": np.arange(4096)}),
    "overlays, no maps": lambda: plots.overlays(np.zeros((3, 4, 4)), {}),
    "overlays, flat": lambda: plots.overlays(np.zeros((4, 4)), {"$": np.zeros((4, 4)), "b": np.full((4, 4), np.nan)}),
    "overlays, large": lambda: plots.overlays(
        np.random.default_rng(0).random((3, 401, 333)), {"a": np.ones((401, 333))}
    ),
    "confused, none": lambda: plots.confused([]),
    "confused, no pictures": lambda: plots.confused([Row("$a", [])]),
    "field, none": lambda: plots.field(np.zeros((0, 0))),
    "field, NaN": lambda: plots.field(np.full((4, 4), np.nan), {"$a": (0, 0, 9, 9)}),
    "words, none": lambda: plots.words([], [], []),
    "words, NaN": lambda: plots.words(["a", "$b"], [np.nan, 1], [1, 1]),
    "words, in one place": lambda: plots.words([f"word {i}" for i in range(20)], np.zeros(20), np.zeros(20)),
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
