"""Tensors in files, dtypes, labels."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stepwell.core.errors import DataError, StepwellError
from stepwell.data.tensors import as_classes, load_tensors, network_dtypes, save_tensors


def test_trees_come_back_from_paths_and_open_files(tmp_path: Path) -> None:
    tree = {"points": torch.tensor([[1.0, 2.0]]), "rest": [torch.arange(3), {"name": "triangle", "n": 3, "none": None}]}
    save_tensors(tree, tmp_path / "t.safetensors")
    held = BytesIO()
    save_tensors(tree, held)
    held.seek(0)
    for found in (load_tensors(tmp_path / "t.safetensors"), load_tensors(held)):
        assert torch.equal(found["points"], tree["points"])
        assert found["rest"][0].tolist() == [0, 1, 2]
        assert found["rest"][1] == {"name": "triangle", "n": 3, "none": None}
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]


def test_one_tensor_views_and_shared_memory(tmp_path: Path) -> None:
    x = torch.arange(1_000_000.0)
    save_tensors([x[:4].view(2, 2).t(), x[2:4]], tmp_path / "v")
    view, part = load_tensors(tmp_path / "v")
    assert view.tolist() == [[0, 2], [1, 3]]
    assert part.tolist() == [2, 3]
    assert (tmp_path / "v").stat().st_size < 1000
    save_tensors(x[:2], tmp_path / "one")
    assert load_tensors(tmp_path / "one").tolist() == [0, 1]


def test_a_models_state_is_a_tree(tmp_path: Path) -> None:
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    save_tensors(model.state_dict(), tmp_path / "m")
    other.load_state_dict(load_tensors(tmp_path / "m"))
    assert torch.equal(model.weight, other.weight)


def test_files_of_others(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert load_tensors(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
    for old in (False, True):
        torch.save({"p": torch.ones(3)}, tmp_path / "p.pt", _use_new_zipfile_serialization=not old)
        assert load_tensors(tmp_path / "p.pt")["p"].tolist() == [1, 1, 1]


class Dangerous:
    def __reduce__(self) -> object:
        return (print, ("ran",))


def test_what_is_no_tensor_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(Dangerous(), tmp_path / "bad.pt")
    (tmp_path / "text").write_text("hello, this is no file of tensors")
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match=r"bad\.pt holds more than tensors, and reading it could run code"):
        load_tensors(tmp_path / "bad.pt")
    for name in ("text", "empty"):
        with pytest.raises(DataError, match=f"{name} is no safetensors file, nor one of torch's"):
            load_tensors(tmp_path / name)
    with pytest.raises(DataError, match="none cannot be read: No such file"):
        load_tensors(tmp_path / "none")
    with pytest.raises(DataError, match="cannot be written: No such file"):
        save_tensors(torch.ones(1), tmp_path / "no" / "x")
    with pytest.raises(StepwellError, match="holds a object"):
        save_tensors({"x": object()}, tmp_path / "x")
    assert capsys.readouterr().out == ""


def test_dtypes_of_networks() -> None:
    tree = {"a": np.ones(2), "b": (torch.ones(2, dtype=torch.int32), torch.tensor([True])), "c": torch.ones(1).half()}
    found = network_dtypes(tree)
    assert found["a"].dtype == torch.float32
    assert [x.dtype for x in found["b"]] == [torch.int64, torch.bool]
    assert found["c"] is tree["c"]
    plain = np.zeros(3, np.float32)
    network_dtypes(plain)[0] = 5
    assert plain[0] == 5


def test_labels_become_class_numbers() -> None:
    codes, names = as_classes(["5", "0", "10", "5"])
    assert (codes.tolist(), names) == ([1, 0, 2, 1], ("0", "5", "10"))
    assert codes.dtype == torch.int64
    assert as_classes(["cat", "ant"]).names == ("ant", "cat")
    assert as_classes(torch.tensor([-1.0, 1.0, -1.0])).codes.tolist() == [0, 1, 0]
    assert as_classes(np.array(["5", "4"], dtype=object)).names == ("4", "5")
    assert as_classes([3, -1]).names == ("-1", "3")


@pytest.mark.parametrize("labels", [["a", None], ["a", ""], [1.0, float("nan")]])
def test_missing_labels_are_refused(labels: list[object]) -> None:
    with pytest.raises(DataError, match=r"Each row has one label; row 1 has none\. Fill it in, or drop the row\."):
        as_classes(labels)


def test_a_table_is_no_list_of_labels() -> None:
    with pytest.raises(DataError, match=r"these have the shape \(2, 2\)"):
        as_classes(torch.eye(2))
