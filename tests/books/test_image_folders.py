"""Pictures in folders and archives: Godoy, volume I, row S30; Stevens et al., rows S4.1, S7.1 and S7.2; Raff, row S-29.

CIFAR-10 lies here as JPEG files of quality 75, in the order of classes and not in the published one; MNIST cannot be had,
so Fashion-MNIST stands in for it. Where that changes a figure, the test says so.
"""

import hashlib
import os
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stepwell.core.keys import Key
from stepwell.data import Loader, Shuffled, catalogue, channel_statistics, normalised, scaled
from stepwell.data.augment import Permutation
from stepwell.data.catalogue import CATALOGUE, DataFile, DataSet, Version
from stepwell.data.images.archive import read_archive
from stepwell.data.images.decode import decode
from stepwell.data.images.fitting import fit_images
from stepwell.data.images.idx import FASHION, read_idx
from stepwell.data.images.listing import Listing
from stepwell.data.images.rps import rock_paper_scissors
from stepwell.data.images.statistics import image_statistics
from stepwell.data.images.stored import Images

stevens = partial(pytest.mark.book, "dlwp-chapters-1-8")
godoy = partial(pytest.mark.book, "step-by-step-1")
raff = partial(pytest.mark.book, "inside-dl")
cifar_10 = pytest.mark.xdist_group("cifar-10")  # one process decodes it

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")
MEAN, STD = (0.4915, 0.4823, 0.4468), (0.2470, 0.2435, 0.2616)  # as the book prints them


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has {name}")
    return path


# --- S30: rock, paper, scissors ---------------------------------------------------------------------------------------------


def hands(folder: Path) -> None:
    """A stand-in of 24 + 6 pictures in the published layout and form: PNG of 300 × 300 with alpha, most of it white."""
    rng = np.random.default_rng(30)
    for archive, many in (("rps", 8), ("rps-test-set", 2)):
        with zipfile.ZipFile(folder / f"{archive}.zip", "w") as made:
            for shade, name in enumerate(("rock", "paper", "scissors")):
                for number in range(many):
                    pixels = np.full((300, 300, 4), 255, np.uint8)
                    top, left = rng.integers(20, 130, 2)
                    skin = np.array([230, 170, 140]) - 40 * shade + rng.integers(-20, 20, 3)
                    pixels[top : top + 140, left : left + 140, :3] = skin
                    picture = folder / "picture.png"
                    Image.fromarray(pixels).save(picture)
                    made.write(picture, f"{archive}/{name}/{name}{number:02}.png")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server of the stand-in's archives, and their folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Nothing."""

    folder = tmp_path_factory.mktemp("published")
    hands(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()
        thread.join()


def stand_in(address: str, folder: Path) -> DataSet:
    """The catalogue's entry, with the addresses, sizes and checksums of the stand-in."""
    files = []
    for file in CATALOGUE["rock-paper-scissors"].files:
        content = (folder / Path(file.path).name).read_bytes()
        version = Version(hashlib.sha256(content).hexdigest(), len(content))
        files.append(DataFile(file.path, f"{address}/{Path(file.path).name}", version))
    return DataSet("rock-paper-scissors", "a stand-in", "none", "nowhere", tuple(files))


@godoy("S30", recipe="stepwell.data.images.rps.rock_paper_scissors", kind="property")
def test_s30_fetched_and_read_from_its_archives(server, tmp_path, monkeypatch):
    """Two archives are fetched, checked, and read without unpacking: paper 0, rock 1, scissors 2; the first is (3, 28, 28), 0.

    The pictures are a stand-in of ours in the published layout; the way that fetches and reads them is the real one.
    """
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setitem(CATALOGUE, "rock-paper-scissors", stand_in(*server))
    folder = catalogue.get("rock-paper-scissors", root=tmp_path)
    images = rock_paper_scissors(folder, size=(28, 28))
    train, val = images.of_side("train"), images.of_side("val")
    assert images.classes == ("paper", "rock", "scissors")
    assert (tuple(train.images[0].shape), int(train.labels[0])) == ((3, 28, 28), 0)
    assert (train.labels.bincount().tolist(), val.labels.bincount().tolist()) == ([8] * 3, [2] * 3)
    again = rock_paper_scissors(catalogue.get("rock-paper-scissors", root=tmp_path), size=(28, 28))
    assert torch.equal(again.images, images.images)


@godoy("S30", recipe="stepwell.data.images.statistics.image_statistics", kind="property")
def test_s30_the_normaliser_adds_up_over_batches(server):
    """Count, sums of the pictures' means and sums of their deviations: those of the batches add up to those of the folder."""
    train = rock_paper_scissors(server[1], size=(28, 28)).of_side("train")
    source = fit_images(train, val=0.0, test=0.0)[1].train
    batches = [
        image_statistics(batch.inputs) for batch in Loader(source=source, batch_size=16, order=Shuffled()).epoch(0)
    ]
    whole, total = image_statistics(train.images), sum(batches[1:], batches[0])
    by_hand = scaled(train.images).double().flatten(2)
    assert batches[0].count == 16
    assert total.count == whole.count == 24
    torch.testing.assert_close(whole.means, by_hand.mean(2).sum(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(whole.stds, by_hand.std(2).sum(0), rtol=1e-6, atol=0)
    torch.testing.assert_close((total.means, total.stds), (whole.means, whole.stds), rtol=1e-9, atol=0)
    overall = channel_statistics(scaled(train.images))
    torch.testing.assert_close(whole.mean, overall[0], rtol=1e-6, atol=0)
    assert (whole.std < overall[1]).all()  # what the book normalises with leaves out how pictures differ


@godoy("S30", recipe="stepwell.data.images.statistics.image_statistics", kind="tolerance")
def test_s30_the_books_figures():
    """2,520 and 372 pictures, 158 batches of 16; means .8502 .8215 .8116 and deviations .2089 .2512 .2659."""
    images = rock_paper_scissors(shared("rock-paper-scissors/rps.zip").parent, size=(28, 28), workers=2)
    train, val = images.of_side("train"), images.of_side("val")
    assert (train.labels.bincount().tolist(), val.labels.bincount().tolist()) == ([840] * 3, [124] * 3)
    assert len(Loader(source=fit_images(train, val=0.0, test=0.0)[1].train, batch_size=16)) == 158
    found = image_statistics(train.images)
    assert found.means.tolist() == pytest.approx([2142.5359, 2070.0811, 2045.1442], rel=1e-3)
    assert found.stds.tolist() == pytest.approx([526.3024, 633.0677, 669.9554], rel=1e-2)


# --- S4.1: a folder of pictures ---------------------------------------------------------------------------------------------


@stevens("S4.1", recipe="stepwell.data.images.decode.decode", kind="exact")
def test_s4_1_a_folder_of_pngs_becomes_one_batch_of_three_channels(tmp_path):
    """Every .png of a folder goes into one batch of bytes, channels first; of four channels the alpha is dropped."""
    pixels = np.random.default_rng(4).integers(0, 256, (5, 256, 256, 4), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture[..., : 3 + number % 2]).save(tmp_path / f"cat{number}.png")
    names = tuple(sorted(path.name for path in tmp_path.glob("*.png")))
    batch = decode(Listing(tmp_path, names, torch.zeros(5, dtype=torch.int64), ("cat",))).images
    assert (tuple(batch.shape), batch.dtype) == ((5, 3, 256, 256), torch.uint8)
    assert np.array_equal(batch.numpy(), pixels[..., :3].transpose(0, 3, 1, 2))


# --- S7.1, S7.2: CIFAR-10 and CIFAR-2 ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cifar() -> Images:
    return read_archive(shared("cifar-10/cifar-10-jpg.tar.gz"), workers=2)


@cifar_10
@stevens("S7.1", recipe="stepwell.data.images.archive.read_archive", kind="exact")
def test_s7_1_fifty_thousand_pictures_of_ten_classes(cifar):
    """50,000 + 10,000 pictures (3, 32, 32), 0 to 1 once scaled; stacked along a last dimension they are (3, 32, 32, 50000).

    The book's item 99 is an automobile. These rows are in the order of classes, where automobiles begin at 5,000.
    """
    train = cifar.of_side("train")
    assert (len(train), len(cifar.of_side("test"))) == (50_000, 10_000)
    assert cifar.classes[:3] == ("airplane", "automobile", "bird")
    assert train.labels.bincount().tolist() == [5000] * 10
    item = scaled(train.images[5000 + 99])
    assert (tuple(item.shape), item.dtype, cifar.classes[train.labels[5099]]) == (
        (3, 32, 32),
        torch.float32,
        "automobile",
    )
    assert 0 <= item.min() < item.max() <= 1
    assert tuple(train.images.permute(1, 2, 3, 0).shape) == (3, 32, 32, 50_000)


@cifar_10
@stevens("S7.1", recipe="stepwell.data.channel_statistics", kind="tolerance")
def test_s7_1_statistics_of_each_channel(cifar):
    """Means .4915 .4823 .4468 and deviations .2470 .2435 .2616 over all training pixels.

    Exact sums give .4914 .4822 .4465 of the published pictures: the book's were added in float32. Compression takes .002 off
    the deviations.
    """
    train = cifar.of_side("train").images
    mean, std = (each / 255 for each in channel_statistics(train))
    assert mean.tolist() == pytest.approx(MEAN, abs=5e-4)
    assert std.tolist() == pytest.approx(STD, abs=2e-3)
    batch = normalised(scaled(train[:2000]), mean, std)
    assert abs(batch.mean().item()) < 0.5
    by_fit = fit_images(cifar, val=0.0)[0]
    assert (by_fit.mean, by_fit.std) == (tuple(mean.tolist()), tuple(std.tolist()))


@cifar_10
@stevens("S7.2", recipe="stepwell.data.images.archive.read_archive", kind="exact")
def test_s7_2_birds_and_airplanes(cifar):
    """Two of the ten classes, 10,000 pictures to train and 2,000 to validate, numbered anew: airplane 0, bird 1."""
    two = read_archive(shared("cifar-10/cifar-10-jpg.tar.gz"), classes=("airplane", "bird"), workers=2)
    train, val = two.of_side("train"), two.of_side("test")
    assert (len(train), len(val), two.classes) == (10_000, 2_000, ("airplane", "bird"))
    assert (train.labels.bincount().tolist(), val.labels.bincount().tolist()) == ([5000, 5000], [1000, 1000])
    chosen = cifar.of_classes(("airplane", "bird"))
    assert torch.equal(chosen.images, two.images)
    assert torch.equal(chosen.labels, two.labels)
    old = cifar.labels[(cifar.labels == 0) | (cifar.labels == 2)]
    assert torch.equal(two.labels, torch.where(old == 2, 1, old))


# --- S-29: images as tensors ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clothes() -> Images:
    return read_idx(shared("fashion-mnist/train-images-idx3-ubyte.gz").parent, classes=FASHION)


@raff("S-29", recipe="stepwell.data.images.idx.read_idx", kind="exact")
def test_s_29_a_grey_picture_and_three_copies_of_it(clothes):
    """An item is (1, 28, 28) from 0 to 1; three copies of it as channels, channels last to be shown, still look grey."""
    item = scaled(clothes.images[0])
    assert (tuple(item.shape), item.dtype) == ((1, 28, 28), torch.float32)
    assert (item.min(), item.max()) == (0, 1)
    shown = torch.cat([item] * 3).permute(1, 2, 0)
    assert tuple(shown.shape) == (28, 28, 3)
    assert torch.equal(shown.amax(2), shown.amin(2))


@raff("S-29", recipe="stepwell.data.images.idx.read_idx", kind="exact")
def test_s_29_channels_are_colours(clothes):
    """With channels 0 and 2 at zero a picture is green; three pictures as three channels are red, green and blue, and blend."""
    three = scaled(clothes.images[:3, 0])
    green = torch.stack([three[0]] * 3)
    green[[0, 2]] = 0
    shown = (green.permute(1, 2, 0) * 255).round().byte().numpy()
    hue, _, _ = Image.fromarray(shown).convert("HSV").split()
    lit = shown.max(2) > 0
    assert set(np.asarray(hue)[lit].tolist()) == {85}  # 120° of 360, in 256 steps
    blended = three.permute(1, 2, 0)
    assert tuple(blended.shape) == (28, 28, 3)
    for channel in range(3):
        alone = (blended[..., channel] > 0) & (blended.sum(2) == blended[..., channel])
        both = (blended[..., channel] > 0) & ~alone
        assert both.any()
        assert torch.equal(blended[..., channel], three[channel])


@raff("S-29", recipe="stepwell.data.augment.Permutation", kind="property")
def test_s_29_shuffled_pixels_keep_their_values_and_lose_their_neighbours(clothes):
    """One random order of the 28 · 28 pixels: the same values, so the same statistics, but neighbours are no longer alike."""
    images = clothes.images[:200]
    shuffled = Permutation(seed=29)(images, torch.arange(200), Key(0))
    assert torch.equal(shuffled.flatten(1).sort(1).values, images.flatten(1).sort(1).values)

    def alike(pictures: torch.Tensor) -> float:
        values = scaled(pictures)
        pair = torch.stack([values[..., :-1].flatten(), values[..., 1:].flatten()])
        return torch.corrcoef(pair)[0, 1].item()

    assert alike(images) > 0.75
    assert alike(shuffled) < 0.4
