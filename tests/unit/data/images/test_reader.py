"""How new pictures are read as the training pictures were."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data import read_picture
from stepwell.data.images.reader import ImageReader
from stepwell.data.images.stored import Images

READER = ImageReader(
    title="pets",
    classes=("cat", "dog"),
    size=(4, 6),
    channels=3,
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.2, 0.1),
    counts={"train": {"cat": 3, "dog": 4}},
    broken=(("cat/9.png", "is broken"),),
    notes=("One.",),
    warnings=("Two.",),
    files=("cat/1.png", "dog/2.png"),
    labels=torch.tensor([0, 1]),
)


def test_one_picture(save) -> None:
    path = save("new.png", seed=4)
    reading = READER.read(path)
    assert torch.equal(reading.inputs[0], read_picture(path))
    assert reading.rows.to_dicts() == [{"file": "new.png"}]
    assert reading.notes == ()


def test_a_folder_flat_or_of_folders(save, tmp_path: Path) -> None:
    save("b/deep/2.png", seed=2), save("1.jpg", seed=1), save(".hidden/3.png")
    save("large.png", Image.new("RGB", (60, 60)))
    (tmp_path / "notes.txt").write_text("none")
    reading = READER.read(tmp_path)
    assert reading.rows["file"].to_list() == ["1.jpg", "b/deep/2.png", "large.png"]
    assert (reading.inputs.shape, reading.inputs.dtype) == ((3, 3, 4, 6), torch.uint8)
    assert torch.equal(reading.inputs[1], read_picture(tmp_path / "b/deep/2.png"))
    assert reading.notes == (
        "1 file was left out: hidden, or no picture by name.",
        "1 of 3 pictures, of 60×60 (height×width), were scaled to cover 4×6 and cut.",
    )


def test_a_csv_file_keeps_its_columns(save, tmp_path: Path) -> None:
    save("x/1.png", seed=1), save("x/2.png", seed=2)
    (tmp_path / "new.csv").write_text("id,path\n7,x/2.png\n8,x/1.png\n")
    reading = READER.read(tmp_path / "new.csv")
    assert reading.rows.to_dicts() == [
        {"file": "x/2.png", "id": 7, "path": "x/2.png"}, {"file": "x/1.png", "id": 8, "path": "x/1.png"},
    ]  # fmt: skip
    assert torch.equal(reading.inputs[0], read_picture(tmp_path / "x/2.png"))
    (tmp_path / "new.csv").write_text("id,path\n7,x/2.png\n8,\n")
    with pytest.raises(DataError, match=r"new\.csv, line 3: 'path' is empty"):
        READER.read(tmp_path / "new.csv")


def test_answers_become_columns_that_replace_none(save) -> None:
    reading = READER.read(save("new.png"))
    reading = type(reading)(reading.inputs, reading.rows.with_columns(pl.lit("mine").alias("predicted class")))
    answered = READER.answered(reading, [{"label": "dog", "probabilities": {"cat": 0.25, "dog": 0.75}}])
    assert answered.row(0, named=True) == {
        "file": "new.png", "predicted class": "mine", "predicted class (new)": "dog", "probability of cat": 0.25,
        "probability of dog": 0.75,
    }  # fmt: skip


def test_images_in_memory() -> None:
    pixels = torch.zeros(2, 3, 4, 6, dtype=torch.uint8)
    reading = READER.of_images(Images(pixels, torch.tensor([0, 1]), ("x", "y"), ("a.png", "b.png")))
    assert reading.rows["file"].to_list() == ["a.png", "b.png"]
    with pytest.raises(DataError, match=r"has pictures \(3, 4, 4\); the network was trained with \(3, 4, 6\)"):
        READER.of_images(Images(pixels[..., :4], torch.tensor([0, 1]), ("x", "y")))


def test_rows_by_number_while_the_files_are_known() -> None:
    assert READER.row(1) == {"file": "dog/2.png", "class": "dog"}
    assert ImageReader.from_json(READER.to_json()).row(1) == {}


def test_it_is_kept_as_plain_data() -> None:
    plain = READER.to_json()
    again = ImageReader.from_json(json.loads(json.dumps(plain)))
    assert again.to_json() == plain
    assert (again.size, again.classes, again.broken) == (READER.size, READER.classes, READER.broken)
    assert READER.facts() == {"kind": "images", **plain}
    assert plain["warnings"] == ["Two."]


def test_what_is_no_picture_is_named(save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.png").write_text("none")
    (tmp_path / "empty").mkdir()
    for path, message in (
        (tmp_path / "broken.png", r"1 of 1 pictures cannot be decoded:\n  broken\.png cannot be read as a picture"),
        (tmp_path / "empty", r"empty has 0 files, but no pictures \(\.jpg"),
        (tmp_path / "none.png", r"There is no file .*none\.png"),
    ):
        with pytest.raises(DataError, match=message):
            READER.read(path)
    save("many/1.png", Image.fromarray(np.zeros((4, 6), np.uint8)))
    monkeypatch.setenv("STEPWELL_MEMORY", "100")
    with pytest.raises(DataError, match=r"1 pictures take 72 bytes of memory, of which 100 bytes are left"):
        READER.read(tmp_path / "many")
