import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from stepwell.core.errors import ModelError, RunError
from stepwell.deploy.export import folder
from stepwell.deploy.export.folder import FACTS, check_place, export
from stepwell.deploy.export.formats import traced
from stepwell.tasks import Regression

from .conftest import of


class Drifts(nn.Module):
    """Adds what it counted, of which a graph keeps the number of the day that it was traced."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x + self.calls


def test_a_folder_holds_the_files_and_what_they_are(pictures, tmp_path):
    out = tmp_path / "deep" / "model"
    exported = export(pictures, ["torch", "onnx"], out)
    assert sorted(path.name for path in out.iterdir()) == ["model.json", "model.onnx", "model.pt2"]
    assert list(out.parent.iterdir()) == [out]
    facts = json.loads((out / FACTS).read_text())
    for artefact, told in zip(exported.artefacts, facts["files"], strict=True):
        content = (out / artefact.file).read_bytes()
        assert told["sha256"] == artefact.sha256 == hashlib.sha256(content).hexdigest()
        assert told["size"] == artefact.size == len(content)
        assert 0 <= told["difference"]["largest"] <= told["difference"]["allowed"] < 2e-5
        assert set(told["difference"]["by batch size"]) == {"1", "2", "7"}
        assert artefact.milliseconds > 0
    assert facts["inputs"] == [{"name": "input", "dtype": "uint8", "shape": ["batch", 1, 8, 8], "range": [0, 255]}]
    assert facts["outputs"] == [{"name": "output", "dtype": "float32", "shape": ["batch", 3]}]
    assert facts["answer"] == {"kind": "classes", "names": ["a", "b", "c"]}
    assert facts["pictures"]["mean"] == pytest.approx([0.3])
    assert facts["pictures"]["std"] == pytest.approx([0.2])
    assert (facts["name"], facts["version"], facts["kind"]) == ("mine", "3", "arrays")
    assert {"stepwell", "torch", "numpy", "onnx", "onnxscript", "onnxruntime"} == set(facts["versions"])
    assert facts["compared"]["rows"] == exported.rows == 9


def test_a_file_that_differs_is_not_left_behind(tmp_path):
    drifting = of(Drifts(), Regression(), torch.ones(7, 2))
    with pytest.raises(ModelError, match=r"model\.pt2 differs from the run's model by .* rounding explains at most"):
        export(drifting, ["torch"], tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_the_one_before(values, tmp_path):
    out = tmp_path / "model"
    export(values, ["torch"], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(ModelError):
        export(of(Drifts(), Regression(), torch.ones(7, 2)), ["torch"], out, replace=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_an_export_is_replaced_only_when_asked(values, digits, tmp_path):
    out = tmp_path / "model"
    out.mkdir()  # which is empty
    export(values, ["torch"], out)
    with pytest.raises(RunError, match="holds an export. Replace it with --force"):
        export(digits, ["torch"], out)
    export(digits, ["torch"], out, replace=True)
    assert len(json.loads((out / FACTS).read_text())["answer"]["names"]) == 10
    assert list(tmp_path.iterdir()) == [out]


def test_what_is_no_export_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="is there and is no export, so it is left alone"):
        check_place(tmp_path, replace=True)
    with pytest.raises(RunError, match="is no export"):
        check_place(tmp_path / "thesis.tex", replace=True)
    check_place(tmp_path / "new", replace=False)


@pytest.mark.parametrize("content", ['{"format": "layers-model", "modelTopology": {}}', "[]", "{", ""])
def test_the_model_json_of_another_program_is_no_export(content, tmp_path):
    (tmp_path / FACTS).write_text(content)
    with pytest.raises(RunError, match="is there and is no export, so it is left alone"):
        check_place(tmp_path, replace=True)


def test_an_export_with_other_things_beside_it_is_not_replaced(values, tmp_path):
    out = tmp_path / "model"
    export(values, ["torch"], out)
    check_place(out, replace=True)
    (out / "thesis.tex").write_text("years of work")
    (out / "model.onnx").mkdir()  # which is no file of an export
    with pytest.raises(RunError, match=r"does not write: model\.onnx, thesis\.tex\. It would be lost"):
        export(values, ["torch"], out, replace=True)
    for number in range(5):
        (out / f"{number}.txt").write_text("")
    with pytest.raises(RunError, match=r"0\.txt, 1\.txt, 2\.txt, 3\.txt, 4\.txt and 2 more\. It would"):
        check_place(out, replace=True)
    assert (out / "thesis.tex").read_text() == "years of work"


def test_what_came_into_the_folder_meanwhile_is_not_lost(values, tmp_path, monkeypatch):
    out = tmp_path / "model"
    export(values, ["torch"], out)

    def slow(*given):
        (out / "notes.txt").write_text("mine")
        return traced(*given)

    monkeypatch.setattr(folder, "traced", slow)
    with pytest.raises(RunError, match=r"notes\.txt"):
        export(values, ["torch"], out, replace=True)
    assert (out / "notes.txt").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [out]


def test_a_place_that_cannot_be_written_is_told(values, tmp_path):
    Path(tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        export(values, ["torch"], tmp_path / "file" / "model")
