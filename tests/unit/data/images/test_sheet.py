"""CSV files that list pictures."""

from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data.images.listing import find_images


@pytest.fixture
def sheet(save, tmp_path: Path):
    for number in range(4):
        save(f"pictures/{number}.png")

    def write(text: str, name: str = "labels.csv") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


ROWS = "pictures/0.png,cat\npictures/1.png,dog\npictures/2.png,cat\n"


@pytest.mark.parametrize(
    "text",
    [
        "path,animal\n" + ROWS,
        "label,weight,file\ncat,3,pictures/0.png\ndog,4,pictures/1.png\ncat,5,pictures/2.png\n",
        "file;note;Class\npictures/0.png;sharp;cat\n./pictures/1.png;;dog\npictures/2.png;blurred;cat\n",
    ],
)
def test_columns_are_found(sheet, tmp_path: Path, text: str) -> None:
    found = find_images(sheet(text))
    assert (found.root, [Path(name).name for name in found.files]) == (tmp_path, ["0.png", "1.png", "2.png"])
    assert (found.labels.tolist(), found.classes, found.sides) == ([0, 1, 0], ("cat", "dog"), None)


def test_columns_can_be_named(sheet) -> None:
    lines = ["a,b,mask,part", "pictures/0.png,x,pictures/3.png,train", "pictures/1.png,y,pictures/2.png,Valid"]
    path = sheet("\n".join([*lines, "pictures/2.png,y,pictures/1.png,train"]))
    found = find_images(path, file="mask", label="b", side="part")
    assert (found.files[0], found.classes, found.sides) == ("pictures/3.png", ("x", "y"), ("train", "val", "train"))
    for name in ("file", "label", "side"):
        with pytest.raises(DataError, match=rf"no column 'mas' \({name}=\); it has 'a', .*Did you mean 'mask'\?"):
            find_images(path, **{"label": "b", name: "mas"})


def test_a_column_of_sides_is_found(sheet) -> None:
    lines = ["file,label,split", "pictures/0.png,a,train", "pictures/1.png,b,train", "pictures/2.png,b,test"]
    assert find_images(sheet("\n".join(lines))).sides == ("train", "train", "test")
    assert find_images(sheet("\n".join(lines).replace("train", "7"))).sides is None


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (["train", "train", "tests", "test"],
         r"line 4, column 'split': 'tests' is no side, but most .* known are train, .* Did you mean 'test'\? Correct the column"),
        (["train", "", "train", "test"], r"line 3, column 'split': '' is no side, but .* drop it or name another with side="),
        (["", "", "", "test"], r"line 2, column 'split': '' is no side \(nor are 2 more of 4 values\)"),
    ],
)  # fmt: skip
def test_a_column_of_sides_with_odd_cells_is_refused(sheet, sides: list[str], message: str) -> None:
    """A random split in its place would train on test rows."""
    lines = [f"pictures/{row}.png,{'ab'[row % 2]},{side}" for row, side in enumerate(sides)]
    with pytest.raises(DataError, match=message):
        find_images(sheet("\n".join(["file,label,split", *lines])))


def test_a_whole_column_of_sides_goes_before_one_with_odd_cells(sheet) -> None:
    sides = ["train", "train", "other"], ["train", "val", "test"]
    lines = [f"pictures/{row}.png,a,{one},{two}" for row, (one, two) in enumerate(zip(*sides, strict=True))]
    text = "\n".join(["file,label,set,split", *lines, "pictures/3.png,b,train,train"])
    assert find_images(sheet(text)).sides == ("train", "val", "test", "train")
    assert find_images(sheet(text), side="split").sides == ("train", "val", "test", "train")


def test_labels_that_are_numbers_are_in_their_order(sheet) -> None:
    found = find_images(
        sheet("file,grade\npictures/0.png,10\npictures/1.png,9\npictures/2.png,007\npictures/3.png,9\n")
    )
    assert (found.classes, found.labels.tolist()) == (("007", "9", "10"), [2, 1, 0, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\npictures/0.png,a\npictures/8.png,b\nno/9.png,a\n",
         r"lists 2 of 3 pictures that are not there: pictures/8\.png \(line 3\), no/9\.png \(line 4\)\. Paths start from /"),
        ("file,label\npictures/0.png,a\npictures/1.png,\n", r"labels\.csv, line 3: 'label' is empty; each picture needs one"),
        ("file,label\npictures/0.png,a\n,b\npictures/1.png,b\n", r"line 3: 'file' is empty"),
        ("file,label\npictures/0.png,a\npictures/1.png,a\n", "has one class only, 'a'"),
        ("id,label\n1,a\n2,b\n", r"no column of paths to pictures \(such as cats/1\.jpg, .*its columns are 'id', 'label'"),
        ("file,kind,colour\npictures/0.png,a,red\npictures/1.png,b,blue\n", "which column is the label .*: 'kind', 'colour'"),
        ("file,split\npictures/0.png,train\npictures/1.png,test\n", "there is no other column. Name it with label="),
        ("file,label\npictures/0.png,a\npictures/1.png,b\npictures/0.png,b\n",
         r"lists pictures/0\.png as 'a' in line 2 and as 'b' in line 4; a picture has one label"),
        ("file,label,split\npictures/0.png,a,train\npictures/1.png,b,train\npictures/2.png,c,test\n",
         "'c' is on the side test, but not among the training pictures"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_its_line(sheet, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_images(sheet(text))


def test_a_side_that_is_none_is_named(sheet) -> None:
    path = sheet("file,label,part\npictures/0.png,a,train\npictures/1.png,b,tests\n")
    with pytest.raises(DataError, match=r"line 3, column 'part': 'tests' is no side; .*Did you mean 'test'\?"):
        find_images(path, side="part")


def test_many_missing_files_are_counted(sheet) -> None:
    lines = "".join(f"pictures/x{number}.png,{number % 2}\n" for number in range(30))
    with pytest.raises(DataError, match=r"lists 30 of 30 .*x9\.png \(line 11\) and 20 more\. Paths"):
        find_images(sheet("file,label\n" + lines))
