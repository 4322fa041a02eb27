"""Looking inside networks for images: Godoy, volume I, rows S25, S29, S31 and S32; Stevens et al., row S8.1; Raff, rows S-30,
S-31 and S-33; and Raff's overview, row T-04.
"""

import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal
from torch import Tensor, nn

from stepwell import Training
from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.core.trees import take
from stepwell.insight.capture import capture
from stepwell.insight.convolution import conv_output_size, layer_costs, transposed_output_size
from stepwell.insight.filters import KERNELS, apply_kernel, filters_of, set_kernel
from stepwell.insight.functions import slopes
from stepwell.insight.receptive import effective_field, receptive_fields, seen_by
from stepwell.insight.reference import convolve_1d, convolve_2d, pad_2d, pool_2d
from stepwell.insight.translation import shifted, translation_probe
from stepwell.models import ACTIVATIONS, FromPixels

godoy = partial(pytest.mark.book, "step-by-step-1")
stevens = partial(pytest.mark.book, "dlwp-chapters-1-8")
raff = partial(pytest.mark.book, "inside-dl")

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")


def table(text: str) -> np.ndarray:
    return np.array([[float(each) for each in row.split()] for row in text.split("/")])


SIX = table("5 0 8 7 8 1 / 1 9 5 0 7 7 / 6 0 2 4 6 6 / 9 7 6 6 8 4 / 8 3 8 5 1 3 / 7 2 7 0 1 0")
IDENTITY, LAPLACE = KERNELS["identity"], KERNELS["laplace"]


@pytest.fixture(scope="module")
def fashion() -> tuple[Tensor, Tensor]:
    """Bytes `(70000, 1, 28, 28)` of Fashion-MNIST, and labels: 60,000 to train on, then those of the test."""
    folder = SHARED / "fashion-mnist"
    if not (folder / "train-images-idx3-ubyte.gz").exists():
        pytest.skip("fashion-mnist is not in the data folder; set STEPWELL_DATA to a folder that has fashion-mnist")
    from stepwell.data.images.idx import read_idx

    found = read_idx(folder)
    return found.images, found.labels


# --- S25: the arithmetic of convolutions ----------------------------------------------------------------------------------


@godoy("S25", recipe="insight.reference.convolve_2d", kind="exact")
def test_s25_identity_filter():
    """The identity filter cuts the 6 × 6 picture's rim off; with stride 2 every other number of the rest stays."""
    rest = table("9 5 0 7 / 0 2 4 6 / 7 6 6 8 / 3 8 5 1")
    assert convolve_2d(SIX, IDENTITY)[0, :2].tolist() == [9, 5]
    np.testing.assert_array_equal(convolve_2d(SIX, IDENTITY), rest)
    np.testing.assert_array_equal(convolve_2d(SIX, IDENTITY, stride=2), table("9 0 / 7 6"))
    np.testing.assert_array_equal(apply_kernel(torch.tensor(SIX), "identity", padding="valid").numpy(), rest)


@godoy("S25", recipe="insight.filters.set_kernel", kind="exact")
def test_s25_identity_filter_in_a_layer():
    """The same through `nn.Conv2d` whose weights were set, with stride 1 and 2."""
    picture = torch.tensor(SIX, dtype=torch.float32)[None, None]
    for stride in (1, 2):
        layer = nn.Conv2d(1, 1, kernel_size=3, stride=stride)
        set_kernel(layer, "identity")
        np.testing.assert_array_equal(layer(picture).detach()[0, 0].numpy(), convolve_2d(SIX, IDENTITY, stride=stride))


@godoy("S25", recipe="insight.reference.convolve_2d", kind="exact")
def test_s25_a_step_beyond_the_edge():
    """A filter that steps beyond the edge meets a region of 3 × 2, which it does not fit: here there is no such place."""
    assert convolve_2d(SIX, IDENTITY).shape == (4, 4)
    with pytest.raises(ModelError, match="kernel of 3 with stride 1 has no place on a side of 2"):
        convolve_2d(SIX[:3, 4:], IDENTITY)


@godoy("S25", recipe="insight.reference.pad_2d", kind="exact")
@pytest.mark.parametrize(
    ("mode", "first", "second"),
    [
        ("constant", "0 0 0 0 0 0 0 0", "0 5 0 8 7 8 1 0"),
        ("replicate", "5 5 0 8 7 8 1 1", "5 5 0 8 7 8 1 1"),
        ("reflect", "9 1 9 5 0 7 7 7", "0 5 0 8 7 8 1 8"),
        ("circular", "0 7 2 7 0 1 0 7", "1 5 0 8 7 8 1 5"),
    ],
)
def test_s25_padding(mode: str, first: str, second: str):
    """Padding by one makes 8 × 8: with zeros, the edge again, what is inside of it, or the other side; as torch does."""
    found = pad_2d(SIX, 1, mode=mode)
    np.testing.assert_array_equal(found[:2], table(f"{first} / {second}"))
    by_torch = F.pad(torch.tensor(SIX)[None, None], (1, 1, 1, 1), mode=mode)
    np.testing.assert_array_equal(found, by_torch[0, 0].numpy())


@godoy("S25", recipe="insight.reference.pool_2d", kind="exact")
def test_s25_edges_pooled_and_flattened():
    """The edge filter on the zero-padded picture; the greatest of each 2 × 2, 4 × 4, and 3 × 3 with stride 1; flattened."""
    edges = convolve_2d(pad_2d(SIX, 1), LAPLACE)
    pooled = table("22 23 11 / 24 7 1 / 13 13 13")
    np.testing.assert_array_equal(edges, apply_kernel(torch.tensor(SIX), "laplace").numpy())
    np.testing.assert_array_equal(pool_2d(edges, 2), pooled)
    np.testing.assert_array_equal(pool_2d(edges, 4), [[24]])
    sliding = table("24 24 23 23 / 24 24 23 23 / 24 24 13 13 / 13 13 13 13")
    np.testing.assert_array_equal(pool_2d(edges, 3, stride=1), sliding)
    assert pool_2d(edges, 2).reshape(-1).tolist() == [22, 23, 11, 24, 7, 1, 13, 13, 13]


@godoy("S25", recipe="insight.convolution.conv_output_size", kind="exact")
def test_s25_the_rule_of_sizes():
    """(size + 2 padding - filter) / stride + 1, rounded down, which the book's equations 5.3 and 5.4 leave out."""
    assert [conv_output_size(6, 3), conv_output_size(6, 3, 2), conv_output_size(6, 3, 1, 1)] == [4, 2, 6]
    assert (6 - 3) / 2 + 1 == 2.5  # what the printed rule says of stride 2
    assert [conv_output_size(6, 2, 2), conv_output_size(6, 4, 4), conv_output_size(6, 3, 1)] == [3, 1, 4]


# --- S29: inside cnn1 -----------------------------------------------------------------------------------------------------


@godoy("S29", recipe="insight.capture", kind="exact")
@pytest.mark.xdist_group("lines")
def test_s29_seven_layers_of_the_line_network(trained: Callable[..., Training]):
    """The seven layers of `cnn1` for the first 16 validation pictures: the lines of pictures 6 and 8, the two mistakes, are
    gone after the ReLU.

    The filter erases diagonals that fall to the right (those "to the left", in the book): it keeps those that rise.
    """
    training = trained("lines")
    model, side = training.model, training.experiment.data.val
    batch = side.batch(torch.arange(16), None)
    with capture(model.net) as seen, torch.no_grad():
        said = model.eval()(batch.inputs).argmax(1)
    assert filters_of(model).weights.shape == (1, 1, 3, 3)
    assert list(seen) == ["conv1", "relu1", "maxp1", "flatten", "fc1", "relu2", "fc2"]
    shapes = [tuple(seen.last(name).shape[1:]) for name in seen]
    assert shapes == [(1, 8, 8), (1, 8, 8), (1, 4, 4), (16,), (10,), (10,), (3,)]
    assert (said != batch.targets).nonzero()[:, 0].tolist() == [6, 8]
    lines = seen.last("relu1").flatten(1).amax(dim=1) > 0
    assert not lines[[6, 8]].any()
    assert not lines[batch.targets == 2].any()
    assert lines[batch.targets == 1].all()
    assert lines[(batch.targets == 0) & (said == 0)].all()


# --- S31: three channels --------------------------------------------------------------------------------------------------


@godoy("S31", recipe="insight.reference.convolve_2d", kind="property")
def test_s31_three_channels():
    """A 3 × 3 × 3 region under a filter of three channels is one number, the sum over all: (1, 1, 1, 1).

    The notes keep of the book's region and filter only their result, 39; so these are others, compared with torch's.
    """
    generator = np.random.default_rng(31)
    region, kernel = (
        generator.integers(0, 9, (3, 3, 3)).astype(float),
        generator.integers(-1, 2, (3, 3, 3)).astype(float),
    )
    by_torch = F.conv2d(torch.tensor(region)[None], torch.tensor(kernel)[None])
    assert by_torch.shape == (1, 1, 1, 1)
    assert convolve_2d(region, kernel).tolist() == [[by_torch.item()]] == [[(region * kernel).sum()]]
    assert nn.Conv2d(3, 5, 3).weight.shape == (
        5,
        3,
        3,
        3,
    )  # as many channels as the input; as many filters as the output
    with pytest.raises(ModelError, match="filter of 3 channels does not fit a picture of 2"):
        convolve_2d(region[:2], kernel)


# --- S32: dropout ---------------------------------------------------------------------------------------------------------

POINTS = torch.linspace(0.1, 1.1, 11)


def dropped(p: float, seed: int, rows: int = 1) -> Tensor:
    with seeded(seed):
        return nn.Dropout(p)(POINTS.expand(rows, 11))


@godoy("S32", recipe="core.devices.seeded", kind="property")
@pytest.mark.parametrize("seed", [44, 45])
def test_s32_what_is_kept_is_larger(seed: int):
    """In training, what dropout keeps is divided by 1 - p; what it drops is 0. (Today's masks are not the book's.)"""
    found = dropped(0.5, seed)[0]
    kept = found != 0
    assert 0 < int(kept.sum()) < 11
    assert torch.equal(found[kept], POINTS[kept] / 0.5)
    assert torch.equal(found, dropped(0.5, seed)[0])


@godoy("S32", recipe="core.modules.mode_restored", kind="exact")
def test_s32_nothing_is_dropped_in_eval_mode():
    """In eval mode dropout changes nothing: the sum is 6.6."""
    found = nn.Dropout(0.5).eval()(POINTS)
    assert torch.equal(found, POINTS)
    assert float(found.sum()) == pytest.approx(6.6, abs=1e-6)


@godoy("S32", recipe="core.devices.seeded", kind="tolerance")
def test_s32_a_thousand_sums():
    """A thousand sums at p = 0.5 spread from about 0 to 13 around 6.6; their variance grows with p, and at 0.9 a third is 0."""
    sums = {p: dropped(p, 17, 1000).sum(dim=1) for p in (0.1, 0.3, 0.5, 0.9)}
    means, spreads = ({p: float(each(values)) for p, values in sums.items()} for each in (torch.mean, torch.std))
    assert means[0.5] == pytest.approx(6.65, abs=0.3)
    assert float(sums[0.5].min()) < 1.5
    assert float(sums[0.5].max()) > 11
    assert list(spreads.values()) == pytest.approx([0.76, 1.50, 2.26, 6.49], rel=0.1)
    assert list(spreads.values()) == sorted(spreads.values())
    assert int((sums[0.9] == 0).sum()) == pytest.approx(1000 * 0.9**11, abs=50)


@godoy("S32", recipe="core.devices.seeded", kind="exact")
def test_s32_whole_channels():
    """`nn.Dropout2d` drops whole channels, and scales the others."""
    with seeded(0):
        found = nn.Dropout2d(0.5)(torch.ones(4, 8, 5, 5))
    channels = found.flatten(2)
    assert set(channels.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(channels.amin(dim=2), channels.amax(dim=2))


# --- S8.1: what a convolution does ------------------------------------------------------------------------------------------


@stevens("S8.1", recipe="insight.convolution.layer_costs", kind="exact")
def test_s8_1_shapes():
    """The shapes of chapter 8: 448 parameters, (1, 16, 30, 30) without padding, 32 × 32 with, 16 × 16 after pooling."""
    picture = torch.zeros(1, 3, 32, 32)
    plain, padded = nn.Conv2d(3, 16, 3), nn.Conv2d(3, 1, 3, padding=1)
    assert (tuple(plain.weight.shape), tuple(plain.bias.shape)) == ((16, 3, 3, 3), (16,))
    assert (tuple(padded.weight.shape), tuple(padded.bias.shape)) == ((1, 3, 3, 3), (1,))
    (cost,) = layer_costs(plain, picture)
    assert (cost.shape, cost.parameters, cost.multiply_adds) == ((16, 30, 30), 448, 16 * 30 * 30 * 27)
    assert layer_costs(padded, picture)[0].shape == (1, 32, 32)
    assert layer_costs(nn.MaxPool2d(2), picture)[0].shape == (3, 16, 16)
    assert [conv_output_size(32, 3), conv_output_size(32, 3, 1, 1), conv_output_size(32, 2, 2)] == [30, 32, 16]


@stevens("S8.1", recipe="insight.filters.set_kernel", kind="exact")
def test_s8_1_kernels_set_by_hand():
    """A constant kernel of 1/9 is the mean of 3 × 3, added up over three channels; columns -1, 0, 1 find upright edges, and give
    0 where the picture is even.
    """
    with seeded(0):
        picture = torch.rand(1, 3, 32, 32)
    layer = nn.Conv2d(3, 1, 3, padding=1)
    set_kernel(layer, "blur")
    means = F.avg_pool2d(picture, 3, stride=1).sum(dim=1)
    torch.testing.assert_close(layer(picture)[0, :, 1:-1, 1:-1], means)
    set_kernel(layer, "vertical edge")
    half = torch.zeros(1, 3, 32, 32)
    half[..., 16:] = 1
    found = layer(half)[0, 0, 1:-1, 1:-1]
    assert found.unique().tolist() == [0, 9]
    assert found[:, 14:16].unique().tolist() == [9]


@stevens("S8.1", recipe="insight.receptive.receptive_fields", kind="exact")
def test_s8_1_receptive_field():
    """Convolution 3 × 3, pooling by 2, convolution 3 × 3: a unit sees 8 × 8 pixels, at the padded corner 7 × 7.

    So it is where the first convolution alone pads. Where the second does, too, the corner's unit sees 5 × 5, and its neighbour
    7 × 7. Calculated and measured fields are the same.
    """
    once, twice = (
        nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(16, 8, 3, padding=padding))
        for padding in (0, 1)
    )
    assert receptive_fields(once)[-1].size == receptive_fields(twice)[-1].size == (8, 8)
    expected = [(once, (5, 5), (8, 8)), (once, (0, 0), (7, 7)), (twice, (0, 0), (5, 5)), (twice, (1, 1), (7, 7))]
    for model, at, size in expected:
        assert seen_by(model, (32, 32), at).size == size
        assert effective_field(model, (3, 32, 32), at=at).box == seen_by(model, (32, 32), at)


@stevens("S8.1", recipe="insight.reference.convolve_2d", kind="property")
def test_s8_1_a_convolution_is_a_cross_correlation():
    """What deep learning calls a convolution does not turn the kernel round: it is scipy's `correlate2d`, not `convolve2d`."""
    picture, kernel = np.random.default_rng(0).normal(size=(7, 9)), np.array(KERNELS["emboss"])
    by_torch = F.conv2d(torch.tensor(picture)[None, None], torch.tensor(kernel, dtype=torch.float64)[None, None])[0, 0]
    np.testing.assert_allclose(by_torch.numpy(), signal.correlate2d(picture, kernel, mode="valid"))
    np.testing.assert_allclose(convolve_2d(picture, kernel), signal.correlate2d(picture, kernel, mode="valid"))
    flipped = apply_kernel(torch.tensor(picture), "emboss", padding="valid", flipped=True)
    np.testing.assert_allclose(flipped.numpy(), signal.convolve2d(picture, kernel, mode="valid"))


# --- S-30, S-31: convolutions written out, and kernels made by hand --------------------------------------------------------------


@raff("S-30", recipe="insight.reference.convolve_1d", kind="exact")
def test_s30_one_dimension():
    """The book's signal under 1 0 -1: four sums, -1 1 1 -3. The printed loop ends after three, and its prose loses a sign."""
    assert convolve_1d([1, 0, 2, -1, 1, 2], [1, 0, -1]) == [-1, 1, 1, -3]


@raff("S-30", recipe="insight.reference.convolve_2d", kind="property")
def test_s30_two_dimensions():
    """A kernel for upright lines makes 4 × 4 of 6 × 6, greatest where the line is; padding by K // 2 keeps the size.

    The notes' picture is not whole; this one is an upright line.
    """
    picture = np.zeros((6, 6))
    picture[:, 2] = 1
    found = convolve_2d(picture, KERNELS["vertical line"])
    assert found.shape == (4, 4)
    assert (found == table("0 3 0 0 / 0 3 0 0 / 0 3 0 0 / 0 3 0 0")).all()
    for kernel in (1, 3, 5):
        assert convolve_2d(pad_2d(picture, kernel // 2), np.ones((kernel, kernel))).shape == (6, 6)
    rectangular = nn.Conv2d(1, 1, (5, 3))
    assert layer_costs(rectangular, torch.zeros(1, 1, 10, 10))[0].shape == (1, 6, 8)  # 4 fewer rows, 2 fewer columns


@raff("S-30", recipe="insight.reference.convolve_1d", kind="exact")
def test_s30_weights_are_shared():
    """`nn.Linear(K, 1)`, slid along a vector, is a convolution in one dimension with the same weights."""
    with seeded(0):
        linear, convolution = nn.Linear(3, 1), nn.Conv1d(1, 1, 3)
        values = torch.randn(12)
    convolution.load_state_dict({"weight": linear.weight[None].detach(), "bias": linear.bias.detach()})
    slid = torch.stack([linear(values[start : start + 3])[0] for start in range(10)])
    torch.testing.assert_close(slid, convolution(values[None, None])[0, 0])
    by_hand = convolve_1d(values.tolist(), linear.weight[0].tolist())
    assert slid.tolist() == pytest.approx([each + linear.bias.item() for each in by_hand], abs=1e-6)


@raff("S-31", recipe="insight.filters.apply_kernel", kind="property")
@pytest.mark.parametrize("kernel", ["blur", "edge", "horizontal edge"])
def test_s31_kernels_by_hand(kernel: str, fashion: tuple[Tensor, Tensor]):
    """Blur, edge and horizontal edge are scipy's `convolve`, which turns the kernel round, on a real picture (of Fashion-MNIST).

    Turned round, the last finds edges above rather than below.
    """
    picture = fashion[0][58, 0] / 255
    by_scipy = signal.convolve(picture.numpy(), np.array(KERNELS[kernel], dtype=np.float32), mode="full")
    found = apply_kernel(picture, kernel, padding="full", flipped=True).numpy()
    np.testing.assert_allclose(found, by_scipy, atol=1e-5)
    assert found.shape == (30, 30)


@raff("S-31", recipe="insight.filters.apply_kernel", kind="property")
def test_s31_what_they_show(fashion: tuple[Tensor, Tensor]):
    """Blurred, a picture keeps its brightness and loses contrast; its even parts vanish under an edge kernel."""
    pictures = fashion[0][:50]
    pixels = pictures / 255
    blurred = apply_kernel(pictures, "blur")
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert float(blurred.std()) < float(pixels.std())
    assert float(blurred[inside].mean()) == pytest.approx(float(pixels[inside].mean()), rel=0.05)
    even = torch.full((1, 1, 9, 9), 200, dtype=torch.uint8)
    for kernel in ("edge", "horizontal edge", "vertical edge", "laplace"):
        torch.testing.assert_close(
            apply_kernel(even, kernel, padding="valid"), torch.zeros(1, 1, 7, 7), atol=1e-5, rtol=0
        )


# --- S-33: a picture that is moved ------------------------------------------------------------------------------------------


def taught(model: nn.Module, pictures: Tensor, labels: Tensor, epochs: int = 2) -> nn.Module:
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(take(pictures, rows)), labels[rows]).backward()
            optimizer.step()
    return model.eval()


@raff("S-33", recipe="insight.translation.translation_probe", kind="property")
def test_s33_a_picture_moved_by_a_pixel(fashion: tuple[Tensor, Tensor]):
    """Moved by one pixel, pictures lose the network's confidence; pooling makes it less sensitive.

    Fashion-MNIST in place of MNIST, fewer and faster steps than the book's ten epochs: what it says, not its numbers.
    """
    from stepwell.models.raff import raff_cnn, raff_pooled_cnn

    images, labels = fashion
    with seeded(0):
        models = {
            name: taught(FromPixels(make(), (0.286,), (0.353,)), images[:3000], labels[:3000])
            for name, make in {"simple": raff_cnn, "pooled": raff_pooled_cnn}.items()
        }
    probe = translation_probe(models, images[60000:60400], labels[60000:60400], reach=1)
    for name in models:
        here = probe.at(name, 0, 0).mean()
        assert probe.at(name, 1, 1).mean() < here
        assert probe.at(name, -1, -1).mean() < here
    assert probe.spread("pooled") < probe.spread("simple")


@raff("S-33", recipe="insight.translation.shifted", kind="exact")
def test_s33_shifts_are_numpys_roll():
    """A shift down and to the right is `np.roll` on both axes; the picture as it is stands in the middle of the probe."""
    picture = torch.arange(12.0).reshape(1, 1, 3, 4)
    np.testing.assert_array_equal(shifted(picture, 1, 1)[0, 0], np.roll(picture[0, 0], (1, 1), axis=(0, 1)))
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    probe = translation_probe(model, picture, 1, reach=2)
    assert probe.offsets == (-2, -1, 0, 1, 2)
    assert probe.at("model", 0, 0).item() == pytest.approx(model(picture).softmax(1)[0, 1].item(), abs=1e-6)
    assert probe.at("model", -1, 2).item() == pytest.approx(
        model(torch.roll(picture, (-1, 2), (2, 3))).softmax(1)[0, 1].item(), abs=1e-6
    )


@raff("S-33", recipe="insight.convolution.conv_output_size", kind="exact")
def test_s33_how_often_one_can_pool():
    """28 pixels can be halved four times, 28 14 7 3 1; a fifth time is refused, by torch, too."""
    sizes = [28]
    for _ in range(4):
        sizes.append(conv_output_size(sizes[-1], 2, 2))
    assert sizes == [28, 14, 7, 3, 1]
    with pytest.raises(ModelError, match="spans 2 does not fit on a side of 1.*fewer poolings"):
        conv_output_size(1, 2, 2)
    with pytest.raises(RuntimeError, match="too small"):
        nn.MaxPool2d(2)(torch.zeros(1, 1, 1, 1))


# --- T-04: the catalogue of layers and activations -----------------------------------------------------------------------------


@raff("T-04", recipe="insight.convolution.layer_costs", kind="exact")
def test_t04_layers():
    """The overview's layers with what they give and cost: linear, convolution, transposed, pooling, recurrent, dropout."""
    picture = torch.zeros(1, 3, 8, 8)
    made = {
        nn.Conv2d(3, 4, 3): ((4, 6, 6), 112, 4 * 36 * 27),
        nn.ConvTranspose2d(3, 4, 2, stride=2): ((4, 16, 16), 52, 3 * 64 * 16),
        nn.MaxPool2d(2): ((3, 4, 4), 0, 0),
        nn.AvgPool2d(2): ((3, 4, 4), 0, 0),
        nn.Dropout(0.5): ((3, 8, 8), 0, 0),
        nn.Linear(8, 5): ((3, 8, 5), 45, 3 * 8 * 5 * 8),
    }
    for layer, expected in made.items():
        (cost,) = layer_costs(layer, picture)
        assert (cost.shape, cost.parameters, cost.multiply_adds) == expected
    assert transposed_output_size(8, 2, 2) == 16
    assert layer_costs(nn.RNN(8, 6, batch_first=True), torch.zeros(2, 7, 8))[0].shape == (7, 6)


@raff("T-04", recipe="insight.reference.pool_2d", kind="exact")
def test_t04_pooling():
    """The greatest, least and mean of 2 × 2, as torch pools; the least is the greatest of what is negated."""
    picture = np.random.default_rng(4).normal(size=(6, 8))
    values = torch.tensor(picture)[None]
    np.testing.assert_array_equal(pool_2d(picture, 2), F.max_pool2d(values, 2)[0])
    np.testing.assert_array_equal(pool_2d(picture, 2, how="min"), -F.max_pool2d(-values, 2)[0])
    np.testing.assert_allclose(pool_2d(picture, 2, how="mean"), F.avg_pool2d(values, 2)[0])


@raff("T-04", recipe="models.ACTIVATIONS", kind="exact")
def test_t04_activations():
    """The overview's formulas: sigmoid, tanh, ReLU, leaky ReLU with slope k; those that it names: Swish, ELU, PReLU, softmax."""
    x = torch.linspace(-4, 4, 81, dtype=torch.float64)
    formulas = {
        "sigmoid": 1 / (1 + torch.exp(-x)),
        "tanh": (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
        "relu": x.clamp(min=0),
        "leaky_relu": torch.where(x > 0, x, 0.01 * x),
        "prelu": torch.where(x > 0, x, 0.25 * x),
    }
    for name, values in formulas.items():
        with torch.no_grad():
            torch.testing.assert_close(ACTIVATIONS[name]().double()(x), values)
    steep = slopes(nn.LeakyReLU(0.2), x)[1]
    assert (steep[:40].unique().tolist(), steep[41:].unique().tolist()) == ([0.2], [1.0])
    torch.testing.assert_close(nn.SiLU()(x), x * formulas["sigmoid"])
    torch.testing.assert_close(nn.ELU()(x), torch.where(x > 0, x, torch.exp(x) - 1))
    assert float(nn.Softmax(dim=0)(x).sum()) == pytest.approx(1)


@raff("T-04", recipe="insight.receptive.receptive_fields", kind="property")
def test_t04_kernels_and_strides():
    """Larger kernels see more and cost more; two of 3 × 3 see what one of 5 × 5 sees, for less; a stride saves work; an odd
    kernel has a middle, so that padding can keep the size.
    """
    picture = torch.zeros(1, 8, 16, 16)
    one = nn.Sequential(nn.Conv2d(8, 8, 5, padding=2))
    two = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1))
    assert receptive_fields(one)[-1].size == receptive_fields(two)[-1].size == (5, 5)
    work = [sum(cost.multiply_adds for cost in layer_costs(model, picture)) for model in (one, two)]
    assert work[1] < work[0]
    strided = layer_costs(nn.Conv2d(8, 8, 5, padding=2, stride=2), picture)[0].multiply_adds
    assert strided == work[0] / 4
    assert all(conv_output_size(16, kernel, padding=kernel // 2) == 16 for kernel in (1, 3, 5, 7))
    assert all(conv_output_size(16, kernel, padding=kernel // 2) != 16 for kernel in (2, 4))


def test_dropout_keeps_sums_on_average():
    """The mean of a dropped sum is the sum: 1 / (1 - p) undoes p on average (used by S32's bands)."""
    assert math.isclose(float(dropped(0.3, 3, 20000).sum(dim=1).mean()), 6.6, rel_tol=0.02)
