"""Captioned pictures: the table, the split, the words that are known."""

from pathlib import Path

import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.data import whole
from stepwell.data.captions import UNKNOWN
from stepwell.data.images.caption_reader import CaptionReader
from stepwell.data.images.captioned import Captions, decode_captioned, fit_captions, list_captions


@pytest.fixture
def sheet(save, tmp_path: Path):
    for number in range(6):
        save(f"pictures/{number}.png", seed=number)

    def write(text: str) -> Path:
        path = tmp_path / "captions.csv"
        path.write_text(text)
        return path

    return write


ROWS = [(number, f"caption {word}") for number in range(6) for word in ("one", f"of {number}")]
TEXT = "".join(f"pictures/{number}.png,{text}\n" for number, text in ROWS)


def fitted(path: Path, **settings: object):
    return fit_captions(*decode_captioned(*list_captions(path)), **{"val": 0.25, "test": 0.25, **settings})  # type: ignore[arg-type]


def test_all_captions_of_a_picture_are_on_one_side(sheet) -> None:
    reader, data = fitted(sheet("file,caption\n" + TEXT))
    assert data.split is not None
    pictures = [{int(row) // 2 for row in rows} for rows in data.split.rows.values()]
    assert sorted(number for side in pictures for number in side) == list(range(6))
    assert sum(map(len, data.split.rows.values())) == 12
    batch = whole(data.train)
    images, words = batch.inputs
    assert (images.dtype, tuple(images.shape[1:]), words is batch.targets) == (torch.uint8, (3, 4, 6), True)
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    number, text = ROWS[int(batch.index[0])]
    assert reader.row(int(batch.index[0])) == {"file": f"pictures/{number}.png", "caption": text}


def test_words_are_those_of_the_training_rows(sheet) -> None:
    reader, data = fitted(sheet("file,caption\n" + TEXT))
    trained = {str(int(row) // 2) for row in data.split.rows["train"]}  # type: ignore[union-attr]
    assert set(reader.words[2:]) == {"caption", "one", "of"} | trained
    held = whole(data.test).targets  # type: ignore[arg-type]
    assert bool((held == UNKNOWN).any())
    assert not bool((whole(data.train).targets == UNKNOWN).any())
    assert reader.most == held.shape[1] == 4
    few, _ = fitted(sheet("file,caption\n" + TEXT), least=2)
    assert set(few.words[2:]) == {"caption", "one", "of"}


def test_sides_that_are_stated_are_kept(sheet) -> None:
    sides = ["train", "train", "val", "train", "test", "train"]
    lines = "".join(f"{text},pictures/{number}.png,{sides[number]}\n" for number, text in ROWS)
    _, data = fitted(sheet("text,image,split\n" + lines))
    assert data.split is not None
    assert {side: sorted({int(row) // 2 for row in rows}) for side, rows in data.split.rows.items()} == {
        "train": [0, 1, 3, 5],
        "val": [2],
        "test": [4],
    }


def test_a_column_of_sides_with_a_blank_cell_is_refused(sheet) -> None:
    sides = ["train", "train", "", "train", "test", "train"]
    lines = "".join(f"{text},pictures/{number}.png,{sides[number]}\n" for number, text in ROWS)
    with pytest.raises(DataError, match=r"line 6, column 'split': '' is no side \(nor is 1 more of 12 values\)"):
        list_captions(sheet("text,image,split\n" + lines))


def test_copies_on_two_stated_sides_are_told(sheet, save) -> None:
    save("pictures/9.png", seed=0)
    path = sheet("file,caption,side\npictures/0.png,one,train\npictures/9.png,one,val\npictures/1.png,two,train\n")
    reader, _ = fitted(path)
    (warning,) = reader.facts()["warnings"]
    assert "1 of 1 validation pictures" in warning


def test_it_is_kept_and_reads_new_pictures(sheet, save, tmp_path: Path) -> None:
    reader, _ = fitted(sheet("file,caption\n" + TEXT))
    again = CaptionReader.from_json(reader.to_json())
    assert again.to_json() == reader.to_json()
    assert again.row(0) == {}
    reading = again.read(tmp_path / "pictures")
    assert reading.inputs.shape == (6, 3, 4, 6)
    rows = again.answered(reading, [{"caption": f"so {number}"} for number in range(6)])
    assert rows.columns == ["file", "predicted caption"]
    assert rows["predicted caption"].to_list()[5] == "so 5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,name,other\npictures/0.png,a b,c d\n", r"does not say which column holds the captions .*--caption"),
        ("file,caption\npictures/0.png,a\npictures/7.png,b\n", r"7\.png \(line 3\)"),
        ("file,caption\npictures/0.png,a\npictures/1.png,\n", "line 3: 'caption' is empty"),
        ("file,caption,side\npictures/0.png,a,train\n", "Caption 0, '\\?', has no words"),
    ],
)
def test_what_is_wrong_is_told(sheet, text: str, said: str) -> None:
    path = sheet(text.replace(",a,train", ",?,train"))
    with pytest.raises(DataError, match=said):
        fitted(path)


def test_a_column_is_asked_for_by_name(sheet) -> None:
    path = sheet("file,name,other\npictures/0.png,a b,c d\n")
    assert list_captions(path, caption="other")[0].texts == ("c d",)
    with pytest.raises(DataError, match="has no column 'othr'"):
        list_captions(path, caption="othr")


def test_captions_in_memory() -> None:
    images = torch.randint(256, (4, 3, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    given = Captions("mine", tuple("abcd"), ("a cat", "a dog", "a cat", "a cow"), torch.arange(4))
    reader, data = fit_captions(given, images, val=0.25, test=0.0)
    assert (len(data.train), len(data.val), data.test) == (3, 1, None)  # type: ignore[arg-type]
    assert reader.facts()["columns"][0]["encoding"] == "colour, 8×8 bytes"
