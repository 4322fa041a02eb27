"""Pictures in archives."""

import bz2
import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data.images.archive import read_archive
from stepwell.data.images.decode import decode, gather
from stepwell.data.images.listing import find_images
from stepwell.data.images.members import is_archive


def packed(root: Path, kind: str, above: str = "") -> Path:
    """An archive of all files below a folder, in no order of names."""
    path = root.parent / f"pictures.{kind}"
    files = sorted((file for file in root.rglob("*") if file.is_file()), key=lambda file: file.name[::-1])
    names = [above + file.relative_to(root).as_posix() for file in files]
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.mkdir("empty")
            for file, name in zip(files, names, strict=True):
                archive.write(file, name)
        return path
    with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as tar:
        for file, name in zip(files, names, strict=True):
            tar.add(file, name)
    return path


@pytest.fixture
def folder(save, tmp_path: Path) -> Path:
    for number in range(40):
        side = "train" if number % 4 else "test"
        save(f"in/{side}/{'abc'[number % 3]}/{number}.{'png' if number % 2 else 'jpg'}", seed=number)
    (tmp_path / "in" / "train" / "notes.txt").write_text("none")
    return tmp_path / "in"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("kind", "above"), [("tar.gz", ""), ("tar", "./top/deeper/"), ("zip", "set/")])
def test_an_archive_is_read_as_its_folder_would_be(folder: Path, kind: str, above: str, workers: int) -> None:
    listing, told = find_images(folder), []
    path = packed(folder, kind, above)
    images = read_archive(path, workers=workers, progress=lambda done, total: told.append((done, total)))
    assert (images.names, images.sides, images.classes) == (listing.files, listing.sides, listing.classes)
    assert torch.equal(images.labels, listing.labels)
    assert torch.equal(images.images, decode(listing).images)
    assert images.title == path.name
    assert told[-1] == (40, None)
    assert is_archive(path)
    assert not is_archive(folder / "train" / "notes.txt")
    assert not is_archive(folder)


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_some_classes_alone_are_decoded_and_numbered_anew(folder: Path, kind: str) -> None:
    for file in (folder / "train" / "b").iterdir():
        file.write_text("no picture")
    path = packed(folder, kind)
    images = read_archive(path, classes=("c", "a"), size=(8, 8), channels=1)
    assert (images.classes, images.images.shape[1:]) == (("c", "a"), (1, 8, 8))
    assert {name.split("/")[1] for name in images.names or ()} == {"a", "c"}
    assert [images.classes[label] for label in images.labels] == [name.split("/")[1] for name in images.names or ()]
    with pytest.raises(DataError, match=r"has no class 'd'; it has a, b, c"):
        read_archive(path, classes=("a", "d"))
    with pytest.raises(DataError, match=r"pictures cannot be decoded:\n  train/b/"):
        read_archive(path)
    skipped = read_archive(path, broken="skip")
    assert len(skipped) + len(skipped.broken) == 40
    assert {name.split("/")[1] for name, _ in skipped.broken} == {"b"}


def test_paths_that_reach_outside_are_names_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "bad.tar"
    picture = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(picture, "PNG")
    with tarfile.open(path, "w") as tar:
        for name in ("../../evil/1.png", "/etc/2.png", "../../evil/3.png"):
            entry = tarfile.TarInfo(name)
            entry.size = len(picture.getvalue())
            tar.addfile(entry, io.BytesIO(picture.getvalue()))
        link = tarfile.TarInfo("etc/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    images = read_archive(path)
    assert (images.names, images.classes) == (("etc/2.png", "evil/1.png", "evil/3.png"), ("etc", "evil"))
    assert [file.name for file in tmp_path.rglob("*")] == ["bad.tar"]


def test_sizes_and_damage_are_named(folder: Path, save, tmp_path: Path) -> None:
    save("in/train/a/99.png", Image.new("RGB", (9, 9)))
    path = packed(folder, "tar.gz")
    with pytest.raises(
        DataError, match=r"pictures\.tar\.gz has pictures of 2 sizes .*: 4×6 \(40, .*9×9 \(1, such as train/a/99"
    ):
        read_archive(path)
    path.write_bytes(path.read_bytes()[:900])
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 and nothing")
    for broken in (path, tmp_path / "no.zip"):
        with pytest.raises(DataError, match="cannot be read as an archive: .*Copy or download it again"):
            read_archive(broken)
    with pytest.raises(DataError, match="There is no file"):
        read_archive(tmp_path / "none.zip")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(DataError, match=r"empty\.tar has no files"):
        read_archive(tmp_path / "empty.tar")


def test_one_side_alone_stays_a_side(save, tmp_path: Path) -> None:
    save("in/train/a/1.png"), save("in/train/b/1.png")
    images = read_archive(packed(tmp_path / "in", "zip", "above/"))
    assert (images.names, images.sides) == (("train/a/1.png", "train/b/1.png"), ("train", "train"))


def zeros(folder: Path, kind: str, size: int) -> Path:
    """An archive of the folder and a file of zeros, named as a picture, that packs well."""
    path = packed(folder, kind)
    if kind == "zip":
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("train/a/z.jpg", bytes(size))
        return path
    with tarfile.open(path, "a") as tar:
        entry = tarfile.TarInfo("train/a/z.jpg")
        entry.size = size
        tar.addfile(entry, io.BytesIO(bytes(size)))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_that_is_too_large_is_broken_and_never_read(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stepwell.data.images.archive.MOST_BYTES", 10_000_000)
    path = zeros(folder, kind, 20_000_000)
    with pytest.raises(DataError, match=r"train/a/z\.jpg has 20\.0 MB; files of more than"):
        read_archive(path)
    tracemalloc.start()
    images = read_archive(path, broken="skip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    assert [name for name, _ in images.broken] == ["train/a/z.jpg"]
    assert len(images) == 40


def lying(path: Path, how: int) -> Path:
    """A zip whose one file says that it is small."""
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("a/z.jpg", bytes(100_000_000))
    said = (100_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(said, (999).to_bytes(4, "little")))
    return path


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (zipfile.ZIP_DEFLATED, "cannot be read as an archive: Bad CRC-32"),
        (zipfile.ZIP_BZIP2, "packed by another method than deflate"),
        (zipfile.ZIP_LZMA, "packed by another method than deflate"),
    ],
)
def test_a_zip_that_lies_about_sizes_is_read_as_far_as_it_says(tmp_path: Path, how: int, said: str) -> None:
    path = lying(tmp_path / "lies.zip", how)
    tracemalloc.start()
    with pytest.raises(DataError, match=said):
        read_archive(path, broken="skip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_tar_that_packs_well_is_unpacked_piece_by_piece(folder: Path) -> None:
    path = folder.parent / "in.tar.bz2"
    path.write_bytes(bz2.compress(zeros(folder, "tar", 100_000_000).read_bytes()))
    tracemalloc.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stepwell.data.images.archive.MOST_BYTES", 1_000_000)
        images = read_archive(path, broken="skip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(images), peak < 10_000_000) == (40, True)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_pictures_that_memory_cannot_hold_are_refused_with_the_need(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(folder, kind)
    monkeypatch.setenv("STEPWELL_MEMORY", "5000")  # 40 pictures of 72 bytes are 2,880
    which = "its 40 pictures take" if kind == "zip" else "the first 40 pictures alone take"
    with pytest.raises(DataError, match=rf"{which} 2\.9 kB of memory, of which 5\.0 kB are available"):
        read_archive(path)
    assert len(read_archive(path, channels=1)) == 40


def test_of_files_of_one_name_the_last_counts(save, tmp_path: Path) -> None:
    first, last, other = save("1.png", seed=1), save("2.png", seed=2), save("3.png", seed=3)
    no_picture = tmp_path / "no.png"
    no_picture.write_text("none")
    with tarfile.open(tmp_path / "twice.tar", "w") as tar:
        for file, name in ((first, "a/x.png"), (other, "b/y.png"), (last, "./a/x.png")):
            tar.add(file, name)
    images = read_archive(tmp_path / "twice.tar")
    assert images.names == ("a/x.png", "b/y.png")
    assert np.array_equal(images.images[0].permute(1, 2, 0).numpy(), np.asarray(Image.open(last)))
    with tarfile.open(tmp_path / "twice.tar", "a") as tar:
        tar.add(other, "a/z.png"), tar.add(no_picture, "a/x.png")
    assert read_archive(tmp_path / "twice.tar", broken="skip").names == ("a/z.png", "b/y.png")


def test_rows_that_are_in_order_are_not_gathered(save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("in/a/1.png"), save("in/b/2.png")
    path = packed(tmp_path / "in", "zip")
    made: list[torch.Tensor] = []
    monkeypatch.setattr("stepwell.data.images.archive.gather", lambda *given: made.append(gather(*given)) or made[-1])
    assert read_archive(path).images.data_ptr() == made[0].images.data_ptr()
