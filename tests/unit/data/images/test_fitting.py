"""From a path to what is trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data import channel_statistics, scaled, whole
from stepwell.data.arrays import ArraySource
from stepwell.data.images.decode import FileImages
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.opening import look
from stepwell.data.images.stored import Images
from stepwell.recipes.facts import data_fingerprint

RNG = np.random.default_rng(3)


def images(rows: int = 100, sides: tuple[str, ...] | None = None) -> Images:
    pixels = torch.from_numpy(RNG.integers(0, 256, (rows, 3, 4, 5), dtype=np.uint8))
    return Images(pixels, torch.arange(rows) % 4, ("a", "b", "c", "d"), None, sides, "noise")


@pytest.fixture
def folder(save, tmp_path: Path) -> Path:
    for number in range(60):
        save(f"{'ab'[number % 2]}/{number:02}.png", seed=number)
    return tmp_path


def sides_of(splits) -> dict[str, list[int]]:
    return {side: whole(data).index.tolist() for side in ("train", "val", "test") if (data := getattr(splits, side))}


def test_images_are_split_by_class_with_statistics_of_the_training_rows() -> None:
    data = images(120)
    reader, splits = fit_images(data, val=0.2, test=0.1, seed=1)
    assert splits.split is not None
    train = splits.split.rows["train"]
    assert {side: len(rows) for side, rows in sides_of(splits).items()} == {"train": 84, "val": 24, "test": 12}
    assert reader.counts["val"] == dict.fromkeys("abcd", 6)
    assert list(reader.counts) == ["train", "val", "test"]
    for ours, theirs in zip((reader.mean, reader.std), channel_statistics(scaled(data.images[train])), strict=True):
        assert ours == pytest.approx(theirs.tolist(), rel=1e-6)
    batch = whole(splits.val)
    assert torch.equal(batch.inputs, data.images[batch.index])
    assert (batch.inputs.dtype, batch.targets.dtype) == (torch.uint8, torch.int64)
    assert (reader.title, reader.size, reader.channels, reader.classes) == ("noise", (4, 5), 3, data.classes)
    assert reader.row(7) == {"file": "7", "class": "d"}
    assert fit_images(data, val=0.2, test=0.1, seed=1)[1].split.to_json() == splits.split.to_json()


def test_sides_that_are_stated_are_kept_and_a_missing_validation_is_cut_from_training() -> None:
    stated = ("train",) * 80 + ("test",) * 20
    reader, splits = fit_images(images(100, stated), val=0.25, test=0.5)
    rows = sides_of(splits)
    assert rows["test"] == list(range(80, 100))
    assert (len(rows["train"]), len(rows["val"])) == (60, 20)
    assert sorted(rows["train"] + rows["val"]) == list(range(80))
    assert reader.counts["val"] == dict.fromkeys("abcd", 5)
    assert "train cut by stratified(train=0.75, val=0.25" in splits.split.how
    assert sides_of(fit_images(images(100, stated), val=0)[1]).keys() == {"train", "test"}
    given = fit_images(images(100, ("train",) * 90 + ("val",) * 10))[1]
    assert {side: len(rows) for side, rows in sides_of(given).items()} == {"train": 90, "val": 10}


def test_a_folder_that_fits_lies_in_memory_and_one_that_does_not_in_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, in_memory = fit_images(folder, seed=2)
    monkeypatch.setenv("STEPWELL_MEMORY", "8000")  # of which half is less than 60 pictures of 72 bytes
    read, in_files = fit_images(folder, seed=2)
    assert isinstance(in_memory.train.source, ArraySource)
    assert isinstance(in_files.train.source, FileImages)
    assert read.facts() == held.facts()
    assert sides_of(in_files) == sides_of(in_memory)
    assert torch.equal(whole(in_files.train).inputs, whole(in_memory.train).inputs)
    assert held.row(0) == {"file": "a/00.png", "class": "a"}


def test_copies_are_told_of_or_kept_together(folder: Path) -> None:
    files = sorted((folder / "a").iterdir())
    for first, copy in zip(files[:10], files[10:20], strict=True):
        copy.write_bytes(first.read_bytes())
    told, _ = fit_images(folder)
    assert any("equal in all pixels" in warning for warning in told.warnings)
    kept, splits = fit_images(folder, together=True)
    assert not any("equal in all pixels" in warning for warning in kept.warnings)
    assert sum(map(len, sides_of(splits).values())) == 60
    stated = images(100, ("train",) * 90 + ("test",) * 10)
    assert fit_images(stated, together=True)[1].split.how.endswith("grouped(train=0.85, val=0.15, seed=0)")


def test_broken_files_are_listed_and_rows_numbered_without_them(folder: Path) -> None:
    (folder / "a" / "00.png").write_text("no picture")
    (folder / "a" / "notes.txt").write_text("none")
    with pytest.raises(DataError, match=r"1 of 60 pictures cannot be decoded:\n  a/00\.png"):
        fit_images(folder)
    reader, _ = fit_images(folder, broken="skip")
    assert reader.broken == (("a/00.png", "cannot be read as a picture: its content is of no known format."),)
    assert reader.row(0) == {"file": "a/02.png", "class": "a"}
    assert reader.notes == (
        "1 file was left out: hidden, or no picture by name.", "1 file was left out, as decoding failed: 'a/00.png'.",
    )  # fmt: skip


def test_a_class_of_which_all_files_are_broken_is_refused(folder: Path) -> None:
    for file in (folder / "b").iterdir():
        file.write_text("no picture")
    with pytest.raises(DataError, match="has one class only, 'a'"):
        fit_images(folder, broken="skip")


def test_scaling_is_noted_and_enlarging_warned_of(folder: Path, save) -> None:
    save("a/large.png", Image.new("RGB", (90, 90)))
    reader, splits = fit_images(folder, size=(16, 16), channels=1)
    assert whole(splits.val).inputs.shape[1:] == (1, 16, 16)
    assert reader.notes == ("61 of 61 pictures, of 2 sizes (height×width), were scaled to cover 16×16 and cut.",)
    assert any(warning.startswith("60 of 61 pictures are smaller than 16×16") for warning in reader.warnings)


def test_a_constant_channel_has_a_std_of_one_and_a_warning() -> None:
    data = images()
    data.images[:, 1] = 51
    reader, _ = fit_images(data)
    assert (reader.mean[1], reader.std[1]) == (0.2, 1.0)
    assert "Channel 1 has one value in all training pictures, so it says nothing." in reader.warnings


def test_images_in_memory_are_scaled_too() -> None:
    reader, splits = fit_images(images(), size=(8, 8), channels=1)
    assert whole(splits.train).inputs.shape[1:] == (1, 8, 8)
    assert (reader.size, reader.channels) == ((8, 8), 1)


def test_a_training_side_alone_is_cut_into_three() -> None:
    rows = sides_of(fit_images(images(100, ("train",) * 100), val=0.2, test=0.2)[1])
    assert {side: len(numbers) for side, numbers in rows.items()} == {"train": 60, "val": 20, "test": 20}


def test_shares_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="which leaves none for train|not negative"):
        fit_images(images(), val=0.8, test=0.4)


def test_a_grey_file_and_its_copy_in_colour_are_equal(folder: Path, save) -> None:
    for number in range(20):
        grey = Image.fromarray(np.random.default_rng(99 + number).integers(0, 256, (4, 6), dtype=np.uint8))
        save(f"a/grey{number}.png", grey), save(f"a/rgb{number}.png", grey.convert("RGB"))
    told, _ = fit_images(folder)
    assert any("equal in all pixels" in warning for warning in told.warnings)
    assert not any("equal in all pixels" in warning for warning in fit_images(folder, together=True)[0].warnings)


def test_rows_have_a_fingerprint_wherever_they_lie(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = fit_images(folder)[1].train.stated
    assert held is not None
    monkeypatch.setenv("STEPWELL_MEMORY", "8000")
    kept = fit_images(folder)[1]
    assert isinstance(kept.train.source, FileImages)
    assert data_fingerprint(kept) == held
    Image.new("RGB", (6, 4)).save(folder / "a" / "00.png")
    assert data_fingerprint(fit_images(folder)[1]) not in (held, None)
    assert data_fingerprint(fit_images(folder, seed=1)[1]) != data_fingerprint(fit_images(folder)[1])


def test_a_listing_that_was_made_before_is_not_made_again(folder: Path) -> None:
    reader, _ = fit_images(look(folder))
    assert reader.facts() == fit_images(folder)[0].facts()
    assert reader.title == folder.name
