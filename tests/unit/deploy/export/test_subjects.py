"""Every kind of model is exported, and the client of the examples, which knows no Stepwell, gives the task's answers."""

import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stepwell.core.trees import Tree
from stepwell.data.tables.reader import TableReader
from stepwell.deploy.export.folder import export
from stepwell.deploy.export.raw import series_columns
from stepwell.deploy.export.subjects import ROWS, subject_of
from stepwell.deploy.servable import Servable

CLIENT = Path(__file__).parents[4] / "examples" / "onnx_client.py"
Ask = Callable[[Path, Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask() -> Ask:
    found: Ask = runpy.run_path(str(CLIENT))["ask"]
    return found


def answers(servable: Servable, inputs: Tree) -> list[dict[str, Any]]:
    return servable.task.answers(servable.outputs(inputs))


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted, strict=True):
        assert got.get("label") == want.get("label")
        numbers = "values" if "values" in want else "probabilities"
        assert got[numbers] == pytest.approx(want[numbers], rel=1e-4, abs=1e-6)


def test_the_client_knows_nothing_of_stepwell():
    source = CLIENT.read_text()
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert imports == [
        "import json",
        "import sys",
        "from pathlib import Path",
        "import numpy as np",
        "import onnxruntime",
    ]


def test_arrays(digits, values, pictures, ask, tmp_path):
    for number, servable in enumerate((digits, values, pictures)):
        export(servable, ["onnx"], tmp_path / str(number))
        found = ask(tmp_path / str(number), servable.examples.numpy())
        same(found, answers(servable, servable.examples))


@pytest.mark.parametrize("target", ["paid", "sum", "town"])
def test_tables_are_asked_in_raw_values(tables, target, ask, tmp_path):
    servable = tables(target)
    export(servable, ["onnx"], tmp_path / "model")
    same(ask(tmp_path / "model", servable.raw), answers(servable, servable.examples))
    [told] = json.loads((tmp_path / "model" / "model.json").read_text())["inputs"]
    assert told["shape"] == ["batch", len(servable.reader.encoding.columns)]
    assert [column["name"] for column in told["columns"]] == list(servable.reader.encoding.columns)


def test_a_threshold_travels(tables, ask, tmp_path):
    servable = tables("paid")
    chances = servable.task.predict(servable.outputs(servable.examples))
    shifted = replace(servable, task=replace(servable.task, threshold=float(chances.median())))
    export(shifted, ["onnx"], tmp_path / "model")
    found = ask(tmp_path / "model", list(servable.raw))
    assert [each["label"] for each in found] == [each["label"] for each in answers(shifted, servable.examples)]
    assert {each["label"] for each in found} == {"no", "yes"}


def test_rows_that_a_run_does_not_keep_are_found_from_the_inputs(tables):
    servable = replace(tables("sum"), raw=({"age": 3},))
    subject = subject_of(servable, 7)
    assert subject.arrays[ROWS].shape == (11, 7)  # nine, and two odd ones
    assert subject.arrays[ROWS].dtype == np.float64
    kept = subject_of(tables("sum"), 7)
    np.testing.assert_allclose(subject.arrays[ROWS], kept.arrays[ROWS], rtol=1e-6)


def test_a_table_without_columns_is_an_array(tables):
    servable = tables("sum")
    assert isinstance(servable.reader, TableReader)
    none = replace(servable.reader, encoding=replace(servable.reader.encoding, encoders=()))
    subject = subject_of(replace(servable, reader=none), 7)
    assert [each.name for each in subject.inputs] == ["numbers", "codes"]


def test_a_series_is_asked_in_raw_values(hours, ask, tmp_path):
    export(hours, ["onnx"], tmp_path / "model")
    subject = subject_of(hours, 7)
    same(ask(tmp_path / "model", dict(subject.arrays)), answers(hours, subject.model_inputs))
    columns = series_columns(hours.reader.channels)
    given = {name: _records(columns[name], subject.arrays[name][0]) for name in columns}
    assert [row["time"] for row in given["ahead"]][0] == str(np.datetime64(hours.raw[0]["from"], "us"))
    first = {name: tensor[:1] for name, tensor in subject.model_inputs.items()}
    same(ask(tmp_path / "model", given), answers(hours, first))


def _records(columns: Any, raw: Any) -> list[dict[str, Any]]:
    """Raw rows as people write them."""
    return [{column["name"]: _value(column, value) for column, value in zip(columns, row, strict=True)} for row in raw]


def _value(column: dict[str, Any], value: float) -> Any:
    if np.isnan(value):
        return None
    if column["kind"] == "time":
        return str(np.datetime64(round(value * 86_400e6), "us"))
    return column["levels"][int(value)] if column["kind"] == "level" and value >= 0 else float(value)


def test_the_rows_of_a_series_are_those_of_its_file(hours):
    subject = subject_of(hours, 7)
    torch.testing.assert_close(subject.model_inputs["known"], hours.examples["known"], rtol=0, atol=1e-6)
    assert torch.equal(subject.model_inputs["past"], hours.examples["past"])
