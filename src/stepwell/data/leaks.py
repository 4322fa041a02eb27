"""Leaks: rows that stand on two sides of a split, which flatter every score measured on the second."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.core.keys import Key
from stepwell.core.trees import detach_tensors
from stepwell.data.batch import Batch, Source
from stepwell.data.checks import CHECK_KEY, blocks
from stepwell.data.fingerprint import bytes_of_rows
from stepwell.data.proportions import SIDES
from stepwell.data.splits import Splits

_EXAMPLES = 3
_VERIFIED_AT_ONCE = 1024

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True)
class Leak:
    """Rows of the side `second` whose inputs also occur on the side `first`.

    `rows` is their count, `share` their part of the second side (0 to 1), `examples` a few pairs of row numbers
    `(of first, of second)`, as in `Batch.index`.
    """

    first: str
    second: str
    rows: int
    share: float
    examples: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        pairs = ", ".join(f"{self.first} row {a} = {self.second} row {b}" for a, b in self.examples)
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return (
            f"{rows} of {self.second} ({_percent(self.share)}) with the same inputs as rows of {self.first} (such as "
            f"{pairs}) let {self.second} scores reward memory as well as learning: drop the copies, or keep them on "
            "one side with split_grouped."
        )


def shared_rows(splits: Splits) -> list[Leak]:
    """The leaks between train and val, train and test, val and test: rows whose inputs are equal bit for bit.

    Values and dtypes count, targets do not. Rows are hashed block by block and the matches verified, so memory is
    8 bytes a row, and a leak is never a chance collision. Sides that are torch `DataLoader`s are passed over, as they
    cannot be asked for a row. Give sources that do not augment: noise makes copies differ.
    """
    sources = {side: data for side in SIDES if isinstance(data := getattr(splits, side), Source)}
    hashes = {side: _hashes(source) for side, source in sources.items()}
    leaks = []
    for first, second in combinations(sources, 2):
        pairs = _equal_pairs(sources[first], hashes[first], sources[second], hashes[second])
        if pairs:
            leaks.append(Leak(first, second, len(pairs), len(pairs) / len(sources[second]), tuple(pairs[:_EXAMPLES])))
    return leaks


def _hashes(source: Source) -> Hashes:
    """A 64-bit hash of each row's inputs."""
    weights: dict[str, Hashes] = {}
    return np.concatenate([_hash_block(batch, weights) for batch in blocks(source)])


def _hash_block(batch: Batch, weights: dict[str, Hashes]) -> Hashes:
    """Multilinear hashing (Lemire, Kaser: *Strongly universal string hashing is fast*, 2014).

    Each 32-bit word times a random 64-bit weight, summed modulo 2**64; different rows collide with a chance of at most
    2**-33.
    """
    total = np.zeros(len(batch.index), np.uint64)
    for name, tensor in _inputs(batch).items():
        words = _words(bytes_of_rows(tensor))
        kind = f"{name} {tensor.dtype} {tuple(tensor.shape[1:])}"  # other names, dtypes or shapes: other weights
        if kind not in weights:
            generator = np.random.default_rng(Key(0)("leaks", kind).number)
            weights[kind] = generator.integers(0, 2**64, words.shape[1] + 1, dtype=np.uint64)
        total += words.astype(np.uint64) @ weights[kind][1:] + weights[kind][0]
    return total


def _words(rows: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Rows of bytes as 32-bit words, the last one filled up with zeros."""
    missing = -rows.shape[1] % 4
    padded = np.pad(rows, ((0, 0), (0, missing))) if missing else rows
    return padded.view(np.uint32)


def _equal_pairs(first: Source, of_first: Hashes, second: Source, of_second: Hashes) -> list[tuple[int, int]]:
    """For each row of the second source that occurs in the first, the pair of row numbers."""
    order = np.argsort(of_first, kind="stable")
    ranked = of_first[order]
    place, end = np.searchsorted(ranked, of_second, "left"), np.searchsorted(ranked, of_second, "right")
    open_rows, pairs = np.flatnonzero(place < end), []
    while len(open_rows):  # one round, unless different rows have the same hash
        found, equal = _verified(first, order[place[open_rows]], second, open_rows)
        pairs += found
        open_rows = open_rows[~equal]
        place[open_rows] += 1
        open_rows = open_rows[place[open_rows] < end[open_rows]]
    return sorted(pairs, key=lambda pair: pair[1])


def _verified(first: Source, a: Any, second: Source, b: Any) -> tuple[list[tuple[int, int]], Any]:
    """Which candidates `first[a[i]]`, `second[b[i]]` have equal inputs: their numbers, and a mask over all."""
    pairs, masks = [], []
    for batch_a, batch_b in zip(_fetched(first, a), _fetched(second, b), strict=True):
        equal = _equal(batch_a, batch_b)
        pairs += list(zip(batch_a.index[equal].tolist(), batch_b.index[equal].tolist(), strict=True))
        masks.append(equal.numpy())
    return pairs, np.concatenate(masks)


def _fetched(source: Source, rows: Any) -> Iterator[Batch]:
    for part in torch.split(torch.from_numpy(rows), _VERIFIED_AT_ONCE):
        yield source.batch(part, CHECK_KEY)


def _equal(a: Batch, b: Batch) -> Tensor:
    """Which rows have equal inputs, bit for bit; a mask."""
    of_a, of_b = _inputs(a), _inputs(b)
    same = torch.full((len(a.index),), of_a.keys() == of_b.keys())
    for name in of_a.keys() & of_b.keys():
        x, y = of_a[name], of_b[name]
        if x.dtype != y.dtype or x.shape != y.shape:
            return torch.zeros_like(same)
        same &= torch.from_numpy((bytes_of_rows(x) == bytes_of_rows(y)).all(1))
    return same


def _inputs(batch: Batch) -> dict[str, Tensor]:
    return detach_tensors({"inputs": batch.inputs})[1]


def _percent(share: float) -> str:
    """Two digits, and all of it as 100 %, not 1e+02 %."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
