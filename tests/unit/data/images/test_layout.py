"""What folders say of the pictures in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.images.layout import SIDE_FOLDERS, arrange, check_classes, is_hidden, is_picture, listed

NAMES = st.text("abc", min_size=1, max_size=3)


def test_folders_are_classes_in_sorted_order() -> None:
    found = arrange("x", ["rock/2.png", "paper/1.PNG", "rock/1.jpeg", "paper/more/deep/0.gif"])
    assert found.files == ("paper/1.PNG", "paper/more/deep/0.gif", "rock/1.jpeg", "rock/2.png")
    assert (found.labels.tolist(), found.classes, found.sides, found.ignored) == (
        [0, 0, 1, 1],
        ("paper", "rock"),
        None,
        0,
    )


@pytest.mark.parametrize(("folder", "side"), SIDE_FOLDERS.items())
def test_folders_of_sides_lie_above_the_classes(folder: str, side: str) -> None:
    paths = ["train/a/1.png", "train/b/1.png", f"{folder.title()}/b/deep/2.png"]
    found = arrange("x", paths)
    assert dict(zip(found.files, found.sides or (), strict=True))[paths[2]] == side
    assert found.classes == ("a", "b")


def test_train_may_be_a_class_among_others() -> None:
    found = arrange("x", ["train/1.png", "bus/1.png", "car/1.png"])
    assert (found.classes, found.sides) == (("bus", "car", "train"), None)


@pytest.mark.parametrize("side", ["test", "Validation"])
def test_one_name_of_a_side_may_be_a_class_among_others(side: str) -> None:
    found = arrange("x", [f"{side}/1.png", "bus/1.png", "car/1.png"])
    assert (set(found.classes), found.sides) == ({side, "bus", "car"}, None)


def test_hidden_files_and_others_are_counted_and_left_out() -> None:
    paths = ["a/1.png", "b/1.png", "a/.2.png", ".git/3.png", "a/notes.txt", "4.png", "__MACOSX/a/1.png", "b/.c/5.png"]
    found = arrange("x", paths, ["a", "b", ".git"])
    assert (found.files, found.ignored) == (("a/1.png", "b/1.png"), 6)
    assert not is_picture("a/notes.txt")
    assert is_hidden("a/.c/1.png")


@pytest.mark.parametrize(
    ("paths", "folders", "message"),
    [
        ([], [], r"x has no files; expected are pictures in class folders \(\.jpg, .*Put the pictures of each class"),
        (["a/1.txt", "b/2.csv"], [], "x has 2 files, but none of them is a picture by its name"),
        (["1.png", "2.png"], [], "x has 2 pictures but no class folders, so no picture has a label. Put the pictures"),
        (["a/1.png", "b/1.png"], ["a", "b", "c"], "x: 'c' is a class folder without pictures. Fill it or take it away"),
        (["a/1.png", "b/1.png"], ["d", "c", "c/e"], "'c', 'd' are class folders without pictures. Fill them or take them"),
        (["train/a/1.png", "train/b/1.png"], ["train", "test", "test/a"], "'test/a' is a class folder without pictures"),
        (["cats/1.png"], [], r"x has one class only, 'cats'; .* If the classes are the folders inside 'cats', give that"),
        (["train/a/1.png"], ["train"], "x has one class only, 'a'"),
        (["train/a/1.png", "train/b/1.png", "test/1.png"], [], "'test/1.png' lie in 'test' beside the class folders"),
        (["train/a/1.png", "train/b/1.png", "test/c/1.png"], [], "x: 'c' is on the side test, but not among the training"),
        (["train/a/1.png", "train/b/1.png", "Test/a/1.png", "extra/1.png"], [],
         r"x: 'extra' lies beside 'Test', 'train', which name sides .* Move it away \(.* or rename it to a side: train, val, test"),
        (["train/a/1.png", "val/a/1.png", "u/1.png", "v/a/1.png"], ["u", "v"], "x: 'u', 'v' lie beside .* Move them away"),
        (["train/a/1.png", "train/b/1.png", "val/c/1.png", "test/d/1.png"], [], "'c', 'd' are on the side val and test"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_refused(paths: list[str], folders: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrange("x", paths, folders)


@given(st.lists(st.tuples(NAMES, NAMES), min_size=2, unique=True))
def test_every_picture_keeps_its_folder(pairs: list[tuple[str, str]]) -> None:
    paths = [f"{folder}/{name}.png" for folder, name in pairs]
    if len({folder for folder, _ in pairs}) < 2:
        with pytest.raises(DataError, match="one class only"):
            arrange("x", paths)
        return
    found = arrange("x", paths)
    assert sorted(found.files) == sorted(paths)
    assert [found.classes[label] for label in found.labels] == [file.split("/")[0] for file in found.files]
    assert list(found.classes) == sorted(found.classes)


def test_names_are_listed_up_to_ten() -> None:
    names = [str(number) for number in range(1234)]
    assert listed(names[:2]) == "'0', '1'"
    assert re.fullmatch(r"('\d', ){9}'9' and 1,224 more", listed(names))
    check_classes("x", ["a", "b"], ["train", "train"])
