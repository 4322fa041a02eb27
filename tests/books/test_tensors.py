"""Tensors, as `stepwell.inspect` and the API show them: *Deep Learning with PyTorch*, chapter 3, rows S4.7 and S4.9, and
capabilities C1 to C7; *Step-by-Step*, rows S02 and S04; the overview, rows T-01 to T-03.

Without an accelerator, torch's device `meta` (shapes without data) stands for the other one.
"""

import math
import os
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import stepwell
from stepwell import Multiclass
from stepwell.core.devices import best_device, device_of, seeded
from stepwell.core.errors import StepwellError
from stepwell.core.tensors.broadcast import explain_broadcast
from stepwell.core.tensors.dimensions import Named, arrange
from stepwell.data import ArraySource, HDF5Source, Loader, MemmapSource, Subset, whole
from stepwell.data.hdf5 import write_hdf5
from stepwell.data.tensors import load_tensors, network_dtypes, save_tensors
from stepwell.data.words import encode_words, word_index, words
from stepwell.insight.backward import backward_graph
from stepwell.insight.neighbours import analogy, nearest

row = partial(pytest.mark.book, "dlwp-chapters-1-8")
primer = partial(pytest.mark.book, "step-by-step-1")
overview = partial(pytest.mark.book, "inside-dl")

WEIGHTS = torch.tensor([0.2126, 0.7152, 0.0722])
SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")


@pytest.fixture
def points() -> Tensor:
    """The corners of the book's triangle."""
    return torch.tensor([[4.0, 1.0], [5.0, 3.0], [2.0, 1.0]])


# --- Deep Learning with PyTorch, chapter 3 --------------------------------------------------------------------------------


@row("S3.1", recipe="stepwell.inspect", kind="exact")
def test_s3_1_points(points):
    """Six numbers in a row become three points: shape (3, 2), element [0, 1] is 1, row 0 is (4, 1)."""
    flat = torch.tensor([4.0, 1.0, 5.0, 3.0, 2.0, 1.0])
    facts = stepwell.inspect(flat.view(3, 2), {"flat": flat})
    assert torch.equal(flat.view(3, 2), points)
    assert (facts.shape, facts.shares["flat"].same) == ((3, 2), True)
    assert points[0, 1] == 1.0
    assert points[0].tolist() == [4.0, 1.0]


@row("S3.2", recipe="stepwell.inspect", kind="exact")
def test_s3_2_ranges(points):
    """Ranges are views, [1:], [1:, :] and [1:, 0]; [None] adds a dimension of size 1."""
    parts = [points[1:], points[1:, :], points[1:, 0], points[None]]
    facts = [stepwell.inspect(part, {"points": points}) for part in parts]
    assert [one.shape for one in facts] == [(2, 2), (2, 2), (2,), (1, 3, 2)]
    assert [one.offset for one in facts] == [2, 2, 2, 0]
    assert [one.stride for one in facts] == [(2, 1), (2, 1), (2,), (6, 2, 1)]
    assert [one.shares["points"].elements for one in facts] == [4, 4, 2, 6]


@row("S3.3", recipe="core.tensors.dimensions.Named", kind="exact")
@pytest.mark.parametrize("shape", [(3, 5, 5), (2, 3, 5, 5)])
def test_s3_3_greyscale(shape):
    """Grey by a mean, and by weights in three ways that agree: broadcast, einsum, names; (5, 5) and (2, 5, 5)."""
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    broadcast = (image * WEIGHTS[:, None, None]).sum(-3)
    einsum = torch.einsum("...chw,c->...hw", image, WEIGHTS)
    names = ("batch", "channels", "rows", "columns")[-len(shape) :]
    named = Named(image, names)
    by_name = (named * Named(WEIGHTS, ("channels",)).align_as(named)).sum("channels")
    assert image.mean(-3).shape == broadcast.shape == einsum.shape == by_name.tensor.shape == (*shape[:-3], 5, 5)
    torch.testing.assert_close(einsum, broadcast)
    torch.testing.assert_close(by_name.tensor, broadcast, rtol=0, atol=0)
    assert explain_broadcast(image, (3, 1, 1)).result == shape


@row("S3.4", recipe="core.tensors.dimensions.Named", kind="exact")
@row("C4", recipe="core.tensors.dimensions.Named", kind="exact")
def test_s3_4_named_dimensions():
    """Names are attached, refined, aligned to (3, 1, 1), summed away to (5, 5), dropped; two that differ are both named."""
    image = Named(torch.ones(2, 3, 5, 5), (None,) * 4).refine(..., "channels", "rows", "columns")
    weights = Named(WEIGHTS, (None,)).refine(..., "channels")
    assert image.names == (None, "channels", "rows", "columns")
    one = Named(image.tensor[0], image.names[1:])
    aligned = weights.align_as(one)
    assert (aligned.names, tuple(aligned.tensor.shape)) == (one.names, (3, 1, 1))
    grey = (one * aligned).sum("channels")
    assert (grey.names, tuple(grey.tensor.shape)) == (("rows", "columns"), (5, 5))
    assert grey.rename(rows="h").names == ("h", "columns")
    assert type(grey.tensor) is Tensor
    with pytest.raises(StepwellError, match=r"Dimension -1 is 'columns' on the left, but 'channels' on the right"):
        one * weights


@row("S3.4", recipe="core.tensors.dimensions.Named", kind="property")
def test_s3_4_torch_no_longer_has_names():
    """torch's own named tensors, a prototype in the book, are gone: that is why the library has some."""
    assert not hasattr(Tensor, "refine_names")
    with pytest.raises(TypeError):
        torch.zeros(2, 3, names=("a", "b"))


@row("S3.5", recipe="stepwell.inspect", kind="exact")
def test_s3_5_dtypes(points):
    """float32 by default, int64 for whole numbers, bool for comparisons; a product has the larger dtype."""
    made = {
        "floats": torch.zeros(2),
        "integers": torch.tensor([1, 2]),
        "mask": points > 2,
        "short": points.short(),
        "to": points.to(torch.int16),
        "product": torch.rand(5, dtype=torch.double) * torch.rand(5).to(torch.short),
    }
    found = {name: one.dtype for name, one in stepwell.inspect(made).tensors.items()}
    expected = ("float32", "int64", "bool", "int16", "int16", "float64")
    assert found == {name: getattr(torch, dtype) for name, dtype in zip(made, expected, strict=True)}


@row("S3.6", recipe="stepwell.inspect", kind="exact")
def test_s3_6_storage(points):
    """Behind the points lies a storage of six numbers; changing its first changes the point: [[2, 1], [5, 3], [2, 1]]."""
    assert stepwell.inspect(points).drawing.splitlines()[1].split() == ["value", "4", "1", "5", "3", "2", "1"]
    storage = torch.empty(0).set_(points.untyped_storage(), 0, (6,), (1,))
    assert stepwell.inspect(storage, points).shares["others[0]"].same
    storage[0] = 2.0
    assert points.tolist() == [[2, 1], [5, 3], [2, 1]]


@row("S3.7", recipe="stepwell.inspect", kind="exact")
def test_s3_7_in_place():
    """`zero_` changes the tensor where it lies; without the underscore there is another."""
    a = torch.ones(3, 2)
    changed, other = a.zero_(), a + 1
    assert a.tolist() == [[0, 0], [0, 0], [0, 0]]
    assert stepwell.inspect(a, changed).shares["others[0]"].same
    assert stepwell.inspect(a, other).apart == ("others[0]",)


@row("S3.8", recipe="stepwell.inspect", kind="exact")
def test_s3_8_metadata(points):
    """The stride is (2, 1); point 1 has offset 2, size (2,), stride (1,), and what is written there is in the points."""
    assert stepwell.inspect(points).stride == (2, 1)
    assert "[i, j] lies at place 2·i + j" in repr(stepwell.inspect(points))
    second, copy = points[1], points[1].clone()
    facts = stepwell.inspect(second, {"points": points, "copy": copy})
    assert (facts.offset, facts.shape, facts.stride) == (2, (2,), (1,))
    assert (list(facts.shares), facts.apart) == (["points"], ("copy",))
    second[0], copy[1] = 10.0, 20.0
    assert points.tolist() == [[4, 1], [10, 3], [2, 1]]


@row("S3.9", recipe="stepwell.inspect", kind="exact")
def test_s3_9_transposing_copies_nothing(points):
    """The stride (2, 1) becomes (1, 2) over the same storage; (20, 5, 1) of (3, 4, 5) becomes (1, 5, 20) of (5, 4, 3)."""
    turned = stepwell.inspect(points.t(), {"points": points})
    assert (turned.shape, turned.stride, turned.shares["points"].same) == ((2, 3), (1, 2), True)
    some = torch.ones(3, 4, 5)
    assert stepwell.inspect(some).stride == (20, 5, 1)
    facts = stepwell.inspect(some.transpose(0, 2), {"some": some})
    assert (facts.shape, facts.stride, facts.shares["some"].same) == ((5, 4, 3), (1, 5, 20), True)


@row("S3.10", recipe="stepwell.inspect", kind="exact")
def test_s3_10_contiguity(points):
    """The transpose is not contiguous; its contiguous copy has stride (3, 1) over a storage 4 5 2 1 3 1."""
    turned = points.t()
    assert (stepwell.inspect(points).contiguous, stepwell.inspect(turned).contiguous) == (True, False)
    copied = stepwell.inspect(turned.contiguous(), turned)
    assert (copied.stride, copied.contiguous, copied.apart) == ((3, 1), True, ("others[0]",))
    assert copied.drawing.splitlines()[1].split() == ["value", "4", "5", "2", "1", "3", "1"]
    assert points.contiguous() is points


@row("S3.11", recipe="stepwell.inspect", kind="exact")
def test_s3_11_numpy(points):
    """`numpy` and `from_numpy` share memory; NumPy's float64 becomes float32 before it meets a network."""
    array = points.numpy()
    assert stepwell.inspect(array, points).shares["others[0]"].same
    array[0, 0] = 7.0
    assert points[0, 0] == 7.0
    assert stepwell.inspect(torch.from_numpy(array), points).shares["others[0]"].same
    doubles = np.ones((3, 2))
    assert stepwell.inspect(torch.from_numpy(doubles)).dtype == torch.float64
    assert network_dtypes(doubles).dtype == torch.float32


@row("S3.12", recipe="stepwell.inspect", kind="property")
def test_s3_12_devices(points):
    """A tensor is copied to a device; what is computed from it stays there, and back is another step."""
    there = points.to("meta", torch.float16)
    facts = stepwell.inspect({"points": points, "there": there, "sum": there + 4}).tensors
    assert [one.device for one in facts.values()] == ["cpu", "meta", "meta"]
    assert facts["there"].dtype == torch.float16
    best = points.to(best_device())
    assert ((2 * best).device, (2 * best).cpu().tolist()) == (best.device, (2 * points).tolist())


@row("S3.13", recipe="data.tensors.load_tensors", kind="exact")
@row("C7", recipe="data.tensors.save_tensors", kind="exact")
def test_s3_13_save_and_load(points, tmp_path):
    """The points come back from a path, from an open file, and from a file of the book's `torch.save`."""
    save_tensors(points, tmp_path / "ourpoints.t")
    with (tmp_path / "again.t").open("wb") as file:
        save_tensors({"points": points, "by": "name"}, file)
    torch.save(points, tmp_path / "books.t")
    with (tmp_path / "again.t").open("rb") as file:
        again = load_tensors(file)
    for found in (load_tensors(tmp_path / "ourpoints.t"), again["points"], load_tensors(tmp_path / "books.t")):
        assert torch.equal(found, points)
    model = nn.Linear(2, 1)
    save_tensors(model.state_dict(), tmp_path / "model.t")
    assert all(map(torch.equal, load_tensors(tmp_path / "model.t").values(), model.state_dict().values()))


@row("S3.14", recipe="data.HDF5Source", kind="exact")
@row("C7", recipe="data.HDF5Source", kind="exact")
def test_s3_14_hdf5(points, tmp_path, monkeypatch):
    """Of the dataset `coords` in `ourpoints.hdf5`, only the last two points are read from the disk."""
    write_hdf5(tmp_path / "ourpoints.hdf5", {"coords": points, "shapes/triangle": points})
    source = HDF5Source(tmp_path / "ourpoints.hdf5", "coords")
    asked, original = [], h5py.Dataset.__getitem__
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda self, args: asked.append(args) or original(self, args))
    batch = next(Loader(source=source, batch_size=2).epoch(0, start=1), None)
    assert batch is not None
    assert batch.inputs.tolist() == [[2, 1]]
    last = Subset(source, torch.tensor([1, 2]))
    assert whole(last).inputs.tolist() == [[5, 3], [2, 1]]
    assert asked[-1] == slice(1, 3)
    assert len(HDF5Source(tmp_path / "ourpoints.hdf5", "shapes/triangle")) == 3


@row("S3.15", recipe="stepwell.inspect", kind="exact")
def test_s3_15_exercise():
    """Nine numbers: size (9,), offset 0, stride (1,); as (3, 3) the same storage; its corner has offset 4, stride (3, 1)."""
    a = torch.tensor(list(range(9)))
    b = a.view(3, 3)
    c = b[1:, 1:]
    facts = stepwell.inspect({"a": a, "b": b, "c": c})
    found = [(one.shape, one.offset, one.stride) for one in facts.tensors.values()]
    assert found == [((9,), 0, (1,)), ((3, 3), 0, (3, 1)), ((2, 2), 4, (3, 1))]
    assert facts["b"].shares["a"].same
    assert facts["c"].shares["a"].elements == 4
    assert facts.storage_bytes == 9 * 8
    assert facts["c"].drawing.splitlines()[2].split()[1:] == [*"····", "[0,0]", "[0,1]", "·", "[1,0]", "[1,1]"]


# --- its capabilities -----------------------------------------------------------------------------------------------------


@row("C1", recipe="core.tensors.dimensions.arrange", kind="exact")
def test_c1_layouts():
    """A photo of (720, 1280, 3) becomes (3, 720, 1280) without a copy, and inspect says so; a scan is given its channel."""
    photo = torch.zeros(720, 1280, 3, dtype=torch.uint8)
    facts = stepwell.inspect(arrange(photo, "h w c -> c h w"), {"photo": photo}, dims="c h w")
    assert (facts.shape, facts.stride, facts.contiguous) == ((3, 720, 1280), (1, 3840, 3), False)
    assert facts.shares["photo"].same
    assert "lies in memory as [h, w, c]" in repr(facts)
    assert arrange(torch.zeros(99, 5, 5), "d h w -> volumes").shape == (1, 1, 99, 5, 5)
    assert arrange(torch.zeros(730, 24, 17), "n l c -> series").shape == (730, 17, 24)


@row("C2", recipe="stepwell.inspect", kind="exact")
def test_c2_a_million_numbers():
    """A million float32 numbers are 4,000,000 bytes, whoever looks at them."""
    numbers = torch.zeros(1_000_000)
    facts = stepwell.inspect([numbers, numbers.view(1000, 1000), numbers[::2]])
    assert [one.bytes for one in facts.tensors.values()] == [4_000_000, 4_000_000, 2_000_000]
    assert facts.storage_bytes == 4_000_000


@row("C3", recipe="core.tensors.broadcast.explain_broadcast", kind="exact")
def test_c3_broadcasting():
    """() with (3, 1) gives (3, 1); (3, 1) with (1, 3) gives (3, 3); and with (2, 1, 1), too, (2, 3, 3)."""
    assert explain_broadcast((), (3, 1)).result == (3, 1)
    assert explain_broadcast((3, 1), (1, 3)).result == (3, 3)
    x, y, z = torch.ones(3, 1), torch.ones(1, 3), torch.ones(2, 1, 1)
    assert explain_broadcast(x, y, z).result == tuple((x * y * z).shape) == (2, 3, 3)
    with pytest.raises(StepwellError, match=r"dimension -1 is 3 in the first and 5 in the second.*\.unsqueeze\(1\)"):
        explain_broadcast(WEIGHTS, (3, 5, 5))


@row("C5", recipe="data.tensors.network_dtypes", kind="exact")
def test_c5_dtypes_of_networks():
    """float64 becomes float32, small integers int64; masks and halves stay, and inspect says what each is for."""
    found = network_dtypes({"x": np.ones(2), "class": np.ones(2, np.int16), "mask": torch.ones(2) > 0})
    assert [one.dtype for one in found.values()] == [torch.float32, torch.int64, torch.bool]
    half = stepwell.inspect(torch.ones(1000).half())
    assert half.bytes == 2000
    assert "half the memory" in repr(half)


@row("C6", recipe="core.devices", kind="property")
def test_c6_devices():
    """A module is moved where it is, a tensor is copied; the optimizer made after the move holds what will be trained."""
    model, x = nn.Linear(2, 1), torch.ones(3, 2)
    assert model.to(best_device()) is model
    assert device_of(model) == best_device()
    assert x.to("meta") is not x
    assert x.device.type == "cpu"
    held = torch.optim.SGD(model.parameters(), lr=0.1).param_groups[0]["params"]
    assert all(one is other for one, other in zip(held, model.parameters(), strict=True))


# --- chapter 4: embeddings and exercises ----------------------------------------------------------------------------------

NOUNS = {"fruit": 0.165, "flower": 0.495, "dog": 0.83}
ADJECTIVES = {"red": 0.1, "orange": 0.3, "yellow": 0.5, "white": 0.7, "brown": 0.9}
PLACED = {
    "apple": ("fruit", "red"),
    "tangerine": ("fruit", "orange"),
    "lemon": ("fruit", "yellow"),
    "lychee": ("fruit", "white"),
    "kiwi": ("fruit", "brown"),
    "rose": ("flower", "red"),
    "poppy": ("flower", "orange"),
    "daffodil": ("flower", "yellow"),
    "lily": ("flower", "white"),
    "poodle": ("dog", "white"),
    "labrador": ("dog", "yellow"),
    "dachshund": ("dog", "brown"),
}


@row("S4.7", recipe="nn.Embedding", kind="exact")
def test_s4_7_a_lookup_is_a_product_with_one_hot_rows():
    """An embedding gives, to the bit, what one-hot rows times its weights give; and its gradient is theirs."""
    layer = nn.Embedding(7, 3)
    codes = torch.tensor([3, 0, 3, 6])
    one_hot = F.one_hot(codes, 7).float()
    assert torch.equal(layer(codes), one_hot @ layer.weight)
    (looked_up,) = torch.autograd.grad(layer(codes).square().sum(), layer.weight)
    (multiplied,) = torch.autograd.grad((one_hot @ layer.weight).square().sum(), layer.weight)
    torch.testing.assert_close(looked_up, multiplied)


@row("S4.7", recipe="insight.neighbours.nearest", kind="property")
def test_s4_7_neighbours_on_the_map():
    """On the map of nouns and colours, a word is near others of its kind; a point is found in the box that it lies in."""
    vectors = torch.tensor([[NOUNS[noun], ADJECTIVES[colour]] for noun, colour in PLACED.values()])
    names = list(PLACED)
    assert {one.name for one in nearest(vectors, names, "lemon", 2, by="distance")} == {"tangerine", "lychee"}
    assert nearest(vectors, names, torch.tensor([0.8, 0.72]), 1, by="distance")[0].name == "poodle"
    for name, place in zip(names, vectors, strict=True):
        box = {nearest(vectors, names, place + shift, 1, by="distance")[0].name for shift in (-0.09, 0.09)}
        assert box == {name}


@row("S4.7", recipe="insight.neighbours.analogy", kind="property")
def test_s4_7_analogy():
    """apple - red - sweet + yellow + sour is a lemon, on the map with an axis for taste."""
    axes = {**{noun: (x, 0.0, 0.0) for noun, x in NOUNS.items()}, **{c: (0.0, y, 0.0) for c, y in ADJECTIVES.items()}}
    axes |= {"sweet": (0.0, 0.0, 1.0), "sour": (0.0, 0.0, -1.0)}
    tastes = {"apple": 1.0, "tangerine": 0.6, "lemon": -1.0, "lychee": 1.0, "kiwi": -0.4}
    placed = {word: (NOUNS[n], ADJECTIVES[a], tastes.get(word, 0.0)) for word, (n, a) in PLACED.items()}
    table = {**axes, **placed}
    vectors, names = torch.tensor(list(table.values())), list(table)
    for by in ("angle", "distance"):
        found = analogy(vectors, names, plus=["apple", "yellow", "sour"], minus=["red", "sweet"], by=by)
        assert found[0].name == "lemon"


def photo(colour: int, seed: int) -> Tensor:
    """A picture (h, w, c) of bytes: a grey, noisy ground with a box of a colour."""
    made = torch.randint(60, 140, (48, 64, 1), generator=torch.Generator().manual_seed(seed)).repeat(1, 1, 3)
    top, left = 4 + seed % 20, 4 + 3 * seed % 30
    made[top : top + 20, left : left + 24] = 30
    made[top : top + 20, left : left + 24, colour] = 220
    return made.to(torch.uint8)


@row("S4.9", recipe="core.tensors.dimensions.arrange", kind="property")
def test_s4_9_red_green_and_blue():
    """The mean of each channel tells red, green and blue things apart, on pictures that are made here."""
    pictures = torch.stack([arrange(photo(seed % 3, seed), "h w c -> image") for seed in range(60)]).float() / 255
    means = pictures.mean((-2, -1))
    assert means.shape == (60, 3)
    assert torch.equal(means.argmax(1), torch.arange(60) % 3)


@row("S4.9", recipe="data.words", kind="property")
def test_s4_9_words_of_a_program():
    """The words of a source file, one-hot: how many there are, and what is lost: signs, indentation, the way to the program."""
    source = Path(stepwell.data.arrays.__file__).read_text(encoding="utf-8")
    found = words(source)
    index = word_index(found)
    one_hot = F.one_hot(encode_words(found, index), len(index))
    assert tuple(one_hot.shape) == (len(found), len(index))
    assert torch.equal(one_hot.argmax(1), encode_words(found, index))
    assert 100 < len(index) < len(found) < len(source)
    assert words("if a:\n    b(-1)\nc") == words("if a: b(1); c")


@row("S4.9", recipe="data.words", kind="property")
def test_s4_9_a_program_has_fewer_words_than_a_novel():
    """The novel has thousands of different words, a source file of this library hundreds."""
    path = SHARED / "text" / "pride-and-prejudice.txt"
    if not path.exists():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has text/{path.name}")
    novel = word_index(words(path.read_text(encoding="utf-8").lower()))
    program = word_index(words(Path(stepwell.data.arrays.__file__).read_text(encoding="utf-8").lower()))
    assert len(novel) > 6000
    assert 100 < len(program) < len(novel) / 10


# --- Step-by-Step, chapter 1 ----------------------------------------------------------------------------------------------


@primer("S02", recipe="stepwell.inspect", kind="exact")
def test_s02_shapes():
    """A scalar has the shape (), a vector (3,), a matrix (2, 3), a tensor (2, 3, 4)."""
    made = [torch.tensor(3.14159), torch.tensor([1, 2, 3]), torch.ones(2, 3), torch.randn(2, 3, 4)]
    assert [stepwell.inspect(x).shape for x in made] == [(), (3,), (2, 3), (2, 3, 4)]


@primer("S02", recipe="stepwell.inspect", kind="exact")
def test_s02_views_and_copies():
    """A view shares memory, `new_tensor` and `clone().detach()` copy, `as_tensor` and `from_numpy` share with NumPy."""
    matrix = torch.ones(2, 3)
    with pytest.warns(UserWarning, match="recommended to use"):
        made_new = matrix.new_tensor(matrix.view(1, 6))
    facts = stepwell.inspect(matrix, {"view": matrix.view(1, 6), "new": made_new, "clone": matrix.clone().detach()})
    assert (list(facts.shares), facts.apart) == (["view"], ("new", "clone"))
    array = np.array([1, 2, 3.0])
    shared = {"as": torch.as_tensor(array), "from": torch.from_numpy(array), "copy": torch.tensor(array)}
    facts = stepwell.inspect(array, shared)
    assert (list(facts.shares), facts.apart) == (["as", "from"], ("copy",))
    assert [one.dtype for one in stepwell.inspect(shared).tensors.values()] == [torch.float64] * 3


@primer("S02", recipe="core.devices.seeded", kind="exact")
def test_s02_the_first_parameters():
    """Under seed 42, b is 0.3367 and w 0.1288, made with `requires_grad` on their device: leaves."""
    with seeded(42):
        b, w = (torch.randn(1, requires_grad=True, device="cpu") for _ in range(2))
    assert [round(b.item(), 4), round(w.item(), 4)] == [0.3367, 0.1288]
    assert all(one.leaf and one.requires_grad for one in stepwell.inspect({"b": b, "w": w}).tensors.values())


@primer("S02", recipe="stepwell.inspect", kind="property")
def test_s02_a_parameter_that_is_moved_is_no_leaf():
    """Attempt 2: a tensor that requires gradients and is moved to another device is no leaf there; on its own it stays one."""
    b = torch.randn(1, requires_grad=True)
    assert stepwell.inspect(b.to("cpu")).leaf
    moved = stepwell.inspect(b.to("meta"))
    assert not moved.leaf
    assert "no leaf: ToCopyBackward0 made it, so x.grad stays None" in " ".join(repr(moved).split())
    assert stepwell.inspect(torch.randn(1).to("meta").requires_grad_()).leaf


@primer("S02", recipe="core.devices.best_device", kind="property")
@pytest.mark.skipif(best_device().type == "cpu", reason="the machine has no accelerator")
def test_s02_numpy_lives_on_the_cpu():
    """A tensor on an accelerator becomes an array by way of the CPU alone."""
    there = torch.ones(2, device=best_device())
    with pytest.raises(TypeError):
        there.numpy()
    assert there.cpu().numpy().tolist() == [1, 1]


def predicted(frozen: bool = False) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The line of the book on some points, and their targets."""
    with seeded(42):
        parameters = {name: torch.randn(1, requires_grad=name == "w" or not frozen) for name in ("b", "w")}
    x = torch.linspace(0, 1, 8).reshape(-1, 1)
    return parameters["b"] + parameters["w"] * x, 1 + 2 * x, parameters


@primer("S04", recipe="insight.backward.backward_graph", kind="exact")
def test_s04_graph_of_a_prediction():
    """yhat = b + w x: the leaves b and w, a product and a sum; a b that requires no gradient has no box."""
    yhat, _, parameters = predicted()
    graph = backward_graph(yhat, parameters)
    assert repr(graph).splitlines() == ["result (8, 1)", "└─ Add", "   ├─ b (1,)", "   └─ Mul", "      └─ w (1,)"]
    yhat, _, parameters = predicted(frozen=True)
    assert backward_graph(yhat, parameters).leaves == ("w (1,)",)


@primer("S04", recipe="insight.backward.backward_graph", kind="property")
def test_s04_a_branch_adds_to_the_graph():
    """A loss with `if loss > 0` has a second part in its graph when the branch is taken, over the same leaves."""
    yhat, y, parameters = predicted()
    loss = ((yhat - y) ** 2).mean()
    plain = backward_graph(loss, parameters)
    if loss > 0:
        loss = loss + (yhat.mean() - y.mean()) ** 2
    branched = backward_graph(loss, parameters)
    assert set(branched.leaves) == set(plain.leaves) == {"b (1,)", "w (1,)"}
    assert len(branched.operations) == len(plain.operations) + 4
    assert branched.to_dot().count("fillcolor=lightblue") == 2


# --- the overview ---------------------------------------------------------------------------------------------------------


@overview("T-01", recipe="stepwell.inspect", kind="property")
def test_t01_parameters_by_hand():
    """The overview: parameters by hand are (256, 4) and normal, those of `nn.Linear(256, 4)` (4, 256) and uniform."""
    with seeded(0):
        weight = (torch.randn(256, 4) / math.sqrt(256)).requires_grad_()
        layer = nn.Linear(256, 4)
    by_hand, made = stepwell.inspect(weight), stepwell.inspect(layer.weight)
    assert (by_hand.shape, made.shape) == ((256, 4), (4, 256))
    assert by_hand.leaf
    assert made.statistics.largest <= 1 / 16 < by_hand.statistics.largest
    assert by_hand.statistics.std == pytest.approx(1 / 16, rel=0.1)
    assert made.statistics.std == pytest.approx(1 / 16 / math.sqrt(3), rel=0.1)


@overview("T-02", recipe="data.Loader", kind="exact")
def test_t02_batches_by_hand():
    """The overview: slicing in ceil(n / size) steps gives the loader's batches, and the task's loss is the functional one."""
    x, y = torch.arange(23.0).reshape(23, 1), torch.arange(23) % 4
    by_hand = [(x[i * 5 : i * 5 + 5], y[i * 5 : i * 5 + 5]) for i in range(math.ceil(23 / 5))]
    loaded = list(Loader(source=ArraySource(x, y), batch_size=5).epoch(0))
    assert len(loaded) == len(by_hand) == 5
    for (inputs, targets), batch in zip(by_hand, loaded, strict=True):
        assert torch.equal(inputs, batch.inputs)
        assert torch.equal(targets, batch.targets)
        outputs = nn.Linear(1, 4)(inputs)
        assert torch.equal(Multiclass(classes=4).loss(outputs, targets), F.cross_entropy(outputs, targets))


@overview("T-03", recipe="stepwell.inspect", kind="exact")
def test_t03_storage():
    """The overview: [[1, 4], [2, 1], [3, 5]] is six numbers, offset 0, stride (2, 1); its row 1 has offset 2."""
    x = torch.tensor([[1.0, 4.0], [2.0, 1.0], [3.0, 5.0]])
    facts = stepwell.inspect(x)
    assert (facts.shape, facts.offset, facts.stride, facts.storage_bytes) == ((3, 2), 0, (2, 1), 6 * 4)
    assert stepwell.inspect(x[1]).offset == 2
    sizes = {"float32": 4, "float64": 8, "float16": 2, "int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8}
    assert {name: stepwell.inspect(x.to(getattr(torch, name))).itemsize for name in sizes} == sizes


@overview("T-03", recipe="data.MemmapSource", kind="property")
def test_t03_a_storage_may_lie_on_the_disk(tmp_path):
    """The overview's view of a storage holds for a file, too: rows are read by offset and stride."""
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(3, 2))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert stepwell.inspect(mapped[1]).offset == 2
    assert MemmapSource(tmp_path / "x.npy").batch(torch.tensor([1]), stepwell.core.keys.Key(0)).inputs.tolist() == [
        [2, 3]
    ]
