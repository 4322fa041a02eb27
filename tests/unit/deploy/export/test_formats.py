import json
import logging
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.deploy.export import formats
from stepwell.deploy.export.formats import FORMATS, check_installed, traced
from stepwell.deploy.export.quiet import quiet
from stepwell.deploy.export.subjects import subject_of
from stepwell.tasks import Regression

from .conftest import of


class Counts(nn.Module):
    """Looks at the number of rows as Python's."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(len(x), -1) * len(x)


class Branches(nn.Module):
    """Decides by a value."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize("model", [Counts(), Branches()])
def test_what_torch_cannot_trace_is_told(model):
    subject = subject_of(of(model, Regression(), torch.ones(7, 2)), 7)
    with pytest.raises(
        ModelError, match=r"torch.export cannot follow this model: .+\n.*write x.shape\[0\], not len\(x\)"
    ):
        traced(subject)


def test_what_the_onnx_exporter_cannot_write_is_told(tmp_path):
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.lgamma(x)

    subject = subject_of(of(Odd(), Regression(), torch.ones(7, 2)), 7)
    program = traced(subject)
    with pytest.raises(
        ModelError, match=r"The ONNX exporter cannot follow this model: No ONNX function found for .*lgamma"
    ):
        FORMATS["onnx"].write(program, subject, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_packages_that_are_not_there_are_named(monkeypatch):
    check_installed(["torch", "onnx"])
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(ModelError, match=r"needs onnxruntime: pip install 'stepwell\[export\]'"):
        check_installed(["onnx"])
    check_installed(["torch"])


@pytest.fixture(scope="module")
def written(pictures, tmp_path_factory):
    """Both files of one model."""
    folder: Path = tmp_path_factory.mktemp("written")
    subject = subject_of(pictures, 7)
    program = traced(subject)
    for form in FORMATS.values():
        form.write(program, subject, folder / form.file)
    return folder, subject


def test_the_graph_names_its_inputs_outputs_and_batch(written):
    folder, _ = written
    graph = onnx.load(folder / "model.onnx").graph
    told = [
        (value.name, value.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim])
        for value in (*graph.input, *graph.output)
    ]  # fmt: skip
    assert told == [
        ("input", onnx.TensorProto.UINT8, ["batch", 1, 8, 8]),
        ("output", onnx.TensorProto.FLOAT, ["batch", 3]),
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_any_number_of_rows_runs(written, name):
    folder, subject = written
    run = FORMATS[name].load(folder / FORMATS[name].file, ["input"])
    for count in (1, 2, 3, 9):
        [found] = run(subject.batch(0, count))
        np.testing.assert_allclose(found, subject.expected(0, count)["output"], rtol=1e-5)
        np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


def test_no_weight_is_pickled(written):
    """What torch cannot write as bare bytes it pickles, and a reader would have to trust it."""
    folder, _ = written
    with zipfile.ZipFile(folder / "model.pt2") as archive:
        configs = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith("_config.json")]
    weights = [each for config in configs for each in config["config"].values()]
    assert weights
    assert not any(each["use_pickle"] for each in weights)


def _talk(logger):
    with quiet():
        warnings.warn("not to be seen", stacklevel=1)
        print("nor this")
        print("nor this", file=sys.stderr)
        logger.error("nor this")
        raise KeyError


def test_silence_ends(capfd):
    logger = logging.getLogger("stepwell.test_silence")
    before = list(warnings.filters)
    with pytest.raises(KeyError):
        _talk(logger)
    assert logging.root.manager.disable == 0
    assert warnings.filters == before
    assert capfd.readouterr() == ("", "")
