"""Decoding: what pictures become, and what is said of those that cannot be decoded."""

import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import Loader, Shuffled, channel_statistics, read_picture
from stepwell.data.images.decode import FileImages, decode, fits_memory, scan
from stepwell.data.images.listing import Listing, find_images
from stepwell.data.pictures import MOST_PIXELS, moments

NOISE = np.random.default_rng(5).integers(0, 256, (4, 6, 4), dtype=np.uint8)
GREY = NOISE[..., 0]


def listing(root: Path, *names: str) -> Listing:
    return Listing(root, names, torch.arange(len(names)) % 2, ("a", "b"))


def png_of(width: int, height: int) -> bytes:
    """A PNG file that says it is large, and is not."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.fixture
def folder(save, tmp_path: Path) -> Path:
    """300 noisy pictures of two classes, PNG and JPEG."""
    for number in range(300):
        save(f"{'ab'[number % 2]}/{number:03}.{'png' if number % 3 else 'jpg'}", seed=number)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_a_folder_becomes_bytes_in_order(folder: Path, workers: int) -> None:
    found, told = find_images(folder), []
    got = decode(found, workers=workers, progress=lambda done, total: told.append((done, total)))
    assert (got.images.shape, got.images.dtype) == ((300, 3, 4, 6), torch.uint8)
    assert torch.equal(got.images, torch.stack([read_picture(folder / name) for name in found.files]))
    assert torch.equal(got.kept, torch.arange(300))
    assert (got.broken, got.scan.shape, got.scan.sizes.unique(dim=0).tolist()) == ([], (3, 4, 6), [[4, 6]])
    assert told[-1] == (300, 300)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_scan_finds_the_same_and_keeps_sums(folder: Path) -> None:
    found = find_images(folder)
    held, looked = decode(found), scan(found, workers=1)
    assert torch.equal(looked.digests, held.scan.digests)
    assert len(looked.digests.unique()) == 300
    assert (looked.shape, looked.kept.tolist()) == (held.scan.shape, held.kept.tolist())
    assert looked.sums is not None
    rows = torch.tensor([7, 3, 250])
    sums, squares = looked.sums[rows].sum(0).T.tolist()
    for ours, theirs in zip(moments(3 * 24, sums, squares), channel_statistics(held.images, rows), strict=True):
        assert torch.equal(ours, theirs)


def test_files_are_decoded_when_asked_for(folder: Path) -> None:
    found = find_images(folder)
    held, source = decode(found), FileImages(found, size=(4, 6), channels=3)
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301  # as worker processes get it
    index = torch.tensor([290, 0, 290, 5])
    for one in (source, copy):
        batch = one.batch(index, Key(0))
        assert torch.equal(batch.inputs, held.images[index])
        assert torch.equal(batch.targets, found.labels[index])
        assert torch.equal(batch.index, index)
    for workers in (0, 2):
        epoch = list(Loader(source=source, batch_size=64, order=Shuffled(), workers=workers).epoch(3))
        rows = torch.cat([batch.index for batch in epoch])
        assert sorted(rows.tolist()) == list(range(300))
        assert torch.equal(torch.cat([batch.inputs for batch in epoch]), held.images[rows])
    assert source.batch(index[:0], Key(0)).inputs.shape == (0, 3, 4, 6)
    assert source.row_bytes is None


def test_a_file_that_vanished_is_named(folder: Path) -> None:
    source = FileImages(find_images(folder), size=(4, 6), channels=1)
    (folder / "a" / "000.jpg").unlink()
    with pytest.raises(
        DataError, match=r"1 picture cannot be decoded:\n  a/000\.jpg cannot be read: No such file or directory\."
    ):
        source.batch(torch.tensor([1, 0]), Key(0))


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("grey.png", Image.fromarray(GREY)),
        ("grey and alpha.png", Image.fromarray(NOISE[..., :2])),
        ("16 bits.png", Image.fromarray(GREY.astype(np.uint16) * 256 + 9)),
        ("16 bits.tif", Image.fromarray(GREY.astype(np.uint16) * 256 + 255)),
    ],
)
def test_grey_pictures_have_one_channel_where_all_are_grey(save, tmp_path: Path, name: str, image: Image.Image) -> None:
    save(name, image), save("other.png", Image.fromarray(GREY)), save("colour.png", Image.fromarray(NOISE[..., :3]))
    alone = decode(listing(tmp_path, name, "other.png"))
    assert torch.equal(alone.images, torch.from_numpy(GREY).expand(2, 1, 4, 6))
    mixed = decode(listing(tmp_path, name, "colour.png"))
    assert torch.equal(mixed.images[0], torch.from_numpy(GREY).expand(3, 4, 6))
    assert torch.equal(decode(listing(tmp_path, name), channels=3).images, mixed.images[:1])
    assert scan(listing(tmp_path, name, "colour.png")).shape == (3, 4, 6)


def test_parts_of_grey_and_of_colour_join(save, tmp_path: Path) -> None:
    for number in range(130):
        save(f"{number:03}.png", Image.fromarray(GREY))
    save("200.png", Image.fromarray(NOISE[..., :3]))
    files = listing(tmp_path, *(path.name for path in sorted(tmp_path.iterdir())))
    images = decode(files).images
    assert images.shape == (131, 3, 4, 6)
    assert torch.equal(images[129], torch.from_numpy(GREY).expand(3, 4, 6))
    sums = scan(files).sums
    assert sums is not None
    assert torch.equal(sums[..., 0], images.long().sum((2, 3)))
    assert torch.equal(sums[..., 1], images.long().square().sum((2, 3)))


def test_colour_becomes_brightness_where_one_channel_is_asked_for(save, tmp_path: Path) -> None:
    save("colour.png", Image.fromarray(NOISE[..., :3]))
    due = (NOISE[..., :3] @ np.array([0.299, 0.587, 0.114])).round()
    assert np.abs(decode(listing(tmp_path, "colour.png"), channels=1).images[0, 0].numpy() - due).max() <= 1
    with pytest.raises(DataError, match="channels=2: pictures are read with 1 channel"):
        decode(listing(tmp_path, "colour.png"), channels=2)


def test_palettes_alpha_cmyk_and_animations(save, tmp_path: Path) -> None:
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], dtype=np.uint8)).convert("P")
    palette.putpalette([200, 10, 20, 0, 99, 255])
    save("palette.png", palette, transparency=bytes([0, 128]))
    assert decode(listing(tmp_path, "palette.png")).images[0, :, 0].tolist() == [[200, 0], [10, 99], [20, 255]]
    save("alpha.png", Image.fromarray(NOISE))
    assert torch.equal(
        decode(listing(tmp_path, "alpha.png")).images[0], torch.from_numpy(NOISE[..., :3]).permute(2, 0, 1)
    )
    red = Image.new("RGB", (8, 8), (250, 0, 0))
    save("red.jpg", red.convert("CMYK"), quality=95)
    assert (decode(listing(tmp_path, "red.jpg")).images[0, :, 4, 4] - torch.tensor([250, 0, 0])).abs().max() <= 8
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("blue", "red")]
    save("moving.gif", frames[0], save_all=True, append_images=frames[1:])
    assert decode(listing(tmp_path, "moving.gif")).images[0, :, 0, 0].tolist() == [0, 0, 255]


def test_pictures_are_turned_upright_before_their_size_is_judged(save, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(NOISE[..., :3], k=-1)
    for name in ("turned.png", "turned.tif", "turned.jpg"):
        save(name, Image.fromarray(NOISE[..., :3]), exif=exif)
        got = decode(listing(tmp_path, name))
        assert (got.images.shape, got.scan.sizes.tolist()) == ((1, 3, 6, 4), [[6, 4]])
        if not name.endswith("jpg"):
            assert np.array_equal(got.images[0].permute(1, 2, 0).numpy(), turned)


def test_a_lying_name_does_not_matter(save, tmp_path: Path) -> None:
    path = save("real.png")
    (tmp_path / "lying.jpg").write_bytes(path.read_bytes())
    images = decode(listing(tmp_path, "real.png", "lying.jpg")).images
    assert torch.equal(images[0], images[1])


def test_scaled_pictures_cover_the_size(save, tmp_path: Path) -> None:
    save("wide.png", Image.fromarray(NOISE[..., :3])), save("large.png", Image.new("RGB", (90, 60), "red"))
    got = decode(listing(tmp_path, "wide.png", "large.png"), size=(4, 4))
    assert torch.equal(got.images[0], read_picture(tmp_path / "wide.png", size=(4, 4)))
    assert got.images[1].unique().tolist() == [0, 255]
    assert got.scan.sizes.tolist() == [[4, 6], [60, 90]]
    with pytest.raises(DataError, match=r"size=\(0, 4\) has no pixels"):
        decode(listing(tmp_path, "wide.png"), size=(0, 4))


def test_several_sizes_are_named_with_the_mend(save, tmp_path: Path) -> None:
    for number, size in enumerate([(6, 4), (3, 4), (6, 4), (9, 9)]):
        save(f"{number}.png", Image.new("RGB", size))
    names = [f"{number}.png" for number in range(4)]
    with pytest.raises(DataError) as caught:
        decode(listing(tmp_path, *names))
    assert str(caught.value) == (
        f"{tmp_path} has pictures of 3 sizes (height×width): 4×6 (2, such as 0.png), 4×3 (1, such as 1.png), 9×9 (1, such as"
        " 3.png). A network takes them of one size: give it, such as size=(4, 6); each picture is scaled until it covers"
        " that, and what stands out is cut."
    )
    assert decode(listing(tmp_path, *names), size=(4, 6)).images.shape == (4, 3, 4, 6)


def break_some(folder: Path) -> list[str]:
    bad = ["a/002.png", "b/003.jpg", "b/005.png"]
    (folder / bad[0]).write_text("no picture")
    (folder / bad[1]).write_bytes((folder / bad[1]).read_bytes()[:400])
    (folder / bad[2]).write_bytes(b"")
    return bad


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("read", [decode, scan])
def test_broken_files_are_listed_or_skipped_on_request(folder: Path, read, workers: int) -> None:
    bad, found = break_some(folder), find_images(folder)
    with pytest.raises(DataError) as caught:
        read(found, workers=workers)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{folder}: 3 of 300 pictures cannot be decoded:"
    assert lines[1] == "  a/002.png cannot be read as a picture: its content is of no known format."
    assert [line.split()[0] for line in lines[1:4]] == bad
    assert lines[4] == 'Replace or remove them, or leave them out with broken="skip" (--broken skip).'
    got = read(found, broken="skip", workers=workers)
    assert [name for name, _ in got.broken] == bad
    assert [found.files[row] for row in got.kept] == [name for name in found.files if name not in bad]


def test_the_size_of_a_broken_file_does_not_count(save, tmp_path: Path) -> None:
    first = save("0.png", Image.fromarray(np.random.default_rng(1).integers(0, 256, (50, 50, 3), dtype=np.uint8)))
    first.write_bytes(first.read_bytes()[:3000])
    save("1.png"), save("2.png")
    files = listing(tmp_path, "0.png", "1.png", "2.png")
    with pytest.raises(DataError, match="1 of 3 pictures cannot be decoded"):
        decode(files)
    assert decode(files, broken="skip").images.shape == (2, 3, 4, 6)


def test_many_broken_files_are_counted_and_none_left_is_refused(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.png").write_text("no")
    files = listing(tmp_path, *(f"{number:02}.png" for number in range(12)))
    with pytest.raises(
        DataError, match=r"(?s)12 of 12 pictures .*\n  09\.png [^\n]*\n  and 2 more\nReplace or remove them\.$"
    ):
        decode(files, broken="skip")


@pytest.mark.parametrize("pixels", [(30_000, 30_000), (30_000, 3_500), (10_000, 9_000)])
def test_very_large_pictures_are_refused_before_they_are_decoded(tmp_path: Path, pixels: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(*pixels))
    for call in (
        lambda: decode(listing(tmp_path, "bomb.png")),
        lambda: decode(listing(tmp_path, "bomb.png"), size=(8, 8)),
        lambda: read_picture(tmp_path / "bomb.png"),
    ):
        with pytest.raises(DataError, match=rf"bomb\.png has more than {MOST_PIXELS:,} pixels, .*decompression bomb"):
            call()


def test_what_fits_into_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_images(folder)  # 300 pictures of 4 × 6 × 3 = 72 bytes
    for given, size, channels, fits in (
        ("43200", None, None, True), ("43199", None, None, False), ("14400", None, 1, True), ("43200", (4, 7), 3, False),
    ):  # fmt: skip
        monkeypatch.setenv("STEPWELL_MEMORY", given)
        assert fits_memory(found, size, channels) == fits
