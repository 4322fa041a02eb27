"""Classes that are taken for each other, and pictures that look alike."""

import pytest
import torch
from torch import nn

from stepwell.core.errors import DataError, ModelError, StepwellError
from stepwell.insight.confused import disagreements, examples, features_of, most_confused, similar_pictures
from stepwell.insight.duplicates import average_hash, near_duplicates
from stepwell.insight.neighbours import nearest, nearest_rows
from stepwell.models import DigitNet, FromPixels

MATRIX = torch.tensor([[5, 3, 0], [1, 6, 2], [3, 0, 0]])
NATURE = torch.rand(12, 3, 40, 40, generator=torch.Generator().manual_seed(0))
PICTURES = nn.functional.interpolate(nn.functional.avg_pool2d(NATURE, 8), (40, 40), mode="bicubic").clamp(0, 1)


def test_the_pairs_with_most_rows() -> None:
    found = most_confused(MATRIX)
    assert [(pair.true, pair.predicted, pair.rows) for pair in found] == [(0, 1, 3), (2, 0, 3), (1, 2, 2), (1, 0, 1)]
    assert [pair.share for pair in found] == pytest.approx([3 / 8, 1.0, 2 / 9, 1 / 9])
    both = most_confused(MATRIX, 1, mutual=True)[0]
    assert (both.true, both.predicted, both.rows, both.share) == (0, 1, 4, pytest.approx(4 / 17))
    assert most_confused(torch.eye(3)) == []
    with pytest.raises(DataError, match=r"got \(2, 3\)"):
        most_confused(torch.zeros(2, 3))


def test_their_surest_rows() -> None:
    said = torch.tensor([[0.1, 0.9, 0], [0.4, 0.6, 0], [0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.0, 0.8, 0.2]])
    truth = torch.tensor([0, 0, 0, 0, 2])
    pair = most_confused(MATRIX, 1)[0]
    assert examples(said, truth, pair, 2) == [0, 3]
    assert disagreements(said, truth).tolist()[-1] == 1
    assert set(disagreements(said, truth).tolist()) == {0, 1, 3, 4}


def test_features_are_what_the_last_linear_layer_gets() -> None:
    model = FromPixels(DigitNet(4), (0.0,), (1.0,)).train()
    pictures = torch.rand(7, 1, 8, 8)
    found = features_of(model, pictures, batch_size=3)
    assert found.shape == (7, 64)
    torch.testing.assert_close(model.eval().net.head[4](found), model(pictures))
    assert features_of(model, pictures, "net.features.2").shape == (7, 8)
    assert not any(module._forward_pre_hooks for module in model.modules())
    with pytest.raises(ModelError, match="no nn.Linear that decides"):
        features_of(nn.Sequential(nn.Conv2d(1, 1, 3)), pictures)


def test_large_pictures_are_taken_few_at_once() -> None:
    seen = []
    model = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    pictures = torch.zeros(1, 3, 1024, 1024).expand(5, -1, -1, -1)  # 12 MB each, as floats
    assert features_of(model, pictures).shape == (5, 12)
    assert seen == [2, 2, 1]


def test_a_picture_is_nearest_to_itself() -> None:
    model, pictures = DigitNet(4), torch.rand(20, 1, 8, 8)
    found = similar_pictures(model, pictures[[3, 8]], pictures, 3)
    assert found.rows[:, 0].tolist() == [3, 8]
    assert found.rows.shape == found.distances.shape == (2, 3)
    assert found.distances[:, 0].abs().max() < 1e-5
    assert (found.distances.diff(dim=1) >= 0).all()


@pytest.mark.parametrize("by", ["angle", "distance"])
def test_nearest_rows_agree_with_nearest(by: str) -> None:
    torch.manual_seed(0)
    table, queries = torch.randn(30, 4), torch.randn(5, 4)
    rows, distances = nearest_rows(table, queries, 4, by=by, at_once=2)  # type: ignore[arg-type]
    for row, distance, query in zip(rows, distances, queries, strict=True):
        one = nearest(table, list(map(str, range(30))), query, 4, by=by)  # type: ignore[arg-type]
        assert [int(each.name) for each in one] == row.tolist()
        assert [each.distance for each in one] == pytest.approx(distance.tolist(), abs=1e-5)
    assert nearest_rows(table, queries[:0])[0].shape == (0, 5)
    assert nearest_rows(table[:2], queries)[0].shape == (5, 2)
    with pytest.raises(StepwellError, match=r"\(30, 4\) and \(5, 3\)"):
        nearest_rows(table, queries[:, :3])


def test_copies_are_found_though_they_changed() -> None:
    scaled_down = nn.functional.interpolate(PICTURES[:4], (40, 40), mode="nearest") * 0.8 + 0.1
    noisy = PICTURES[4:6] + 0.01 * torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    other = torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(9))
    found = near_duplicates(PICTURES, torch.cat([scaled_down, noisy, other]))
    assert [(each.first, each.second) for each in found] == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]
    assert all(each.bits <= 3 and each.difference <= 0.03 for each in found)


def test_bytes_of_another_size_count_as_copies() -> None:
    small = (nn.functional.interpolate(PICTURES, (24, 24), mode="area") * 255).byte()
    assert [each.first for each in near_duplicates(PICTURES, small, bits=6)] == list(range(12))


def test_hashes_alone_do_not_decide() -> None:
    bright, dim = torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    bright[..., :8], dim[..., :8] = 1.0, 0.1
    assert average_hash(bright) == average_hash(dim)
    assert near_duplicates(bright, dim) == []
    assert near_duplicates(bright, dim, tolerance=0.5) != []
    assert average_hash(bright[:0]).shape == (0,)
    assert near_duplicates(bright[:0], dim) == near_duplicates(bright, dim[:0]) == []
    with pytest.raises(DataError, match=r"got \(16, 16\)"):
        average_hash(bright[0, 0])
