"""Which pictures there are."""

from pathlib import Path

import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data.images.listing import find_images, walk


def test_class_folders(save, tmp_path: Path) -> None:
    for name in ("dog/2.png", "dog/deep/1.png", "cat/9.jpg", ".cache/1.png"):
        save(name)
    (tmp_path / "cat" / "notes.txt").write_text("none")
    (tmp_path / ".hidden").mkdir()
    found = find_images(str(tmp_path))
    assert (found.root, found.files) == (tmp_path, ("cat/9.jpg", "dog/2.png", "dog/deep/1.png"))
    assert (found.labels.tolist(), found.classes, found.sides) == ([0, 1, 1], ("cat", "dog"), None)
    assert (len(found), found.ignored) == (3, 1)


def test_sides_above_classes(save, tmp_path: Path) -> None:
    for name in ("train/a/1.png", "train/b/1.png", "validation/b/2.png", "test/a/3.png"):
        save(name)
    found = find_images(tmp_path)
    assert dict(zip(found.files, found.sides or (), strict=True)) == {
        "test/a/3.png": "test", "train/a/1.png": "train", "train/b/1.png": "train", "validation/b/2.png": "val",
    }  # fmt: skip
    some = found.take(torch.tensor([3, 0]))
    assert (some.files, some.labels.tolist()) == (("validation/b/2.png", "test/a/3.png"), [1, 0])
    assert (some.sides, some.classes, some.root) == (("val", "test"), found.classes, found.root)


def test_an_empty_class_folder_is_named(save, tmp_path: Path) -> None:
    save("a/1.png"), save("b/1.png")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "notes.txt").write_text("none")
    with pytest.raises(DataError, match=rf"{tmp_path}: 'c' is a class folder without pictures"):
        find_images(tmp_path)


def test_links_to_a_folder_above_are_entered_once(save, tmp_path: Path) -> None:
    save("a/1.png"), save("b/1.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    assert walk(tmp_path)[0] == ["a/1.png", "b/1.png"]
    assert find_images(tmp_path).files == ("a/1.png", "b/1.png")


def test_linked_class_folders_count(save, tmp_path: Path) -> None:
    save("store/a/1.png"), save("set/b/1.png")
    (tmp_path / "set" / "a").symlink_to(tmp_path / "store" / "a", target_is_directory=True)
    assert find_images(tmp_path / "set").files == ("a/1.png", "b/1.png")


def test_a_path_that_leads_nowhere_is_named(save, tmp_path: Path) -> None:
    picture = save("photos/1.png")
    for path, message in (
        (
            tmp_path / "photo",
            r"There is no folder or file .*/photo\. Did you mean 'photos'\? Expected is a folder of class",
        ),
        (tmp_path / "no" / "x", r"no folder or file .*Paths start from "),
        (picture, r"1\.png is one picture; to train, give a folder of class folders, or a CSV file"),
    ):
        with pytest.raises(DataError, match=message):
            find_images(path)
