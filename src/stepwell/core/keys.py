"""Keyed randomness: every random number is a function of (seed, purpose, epoch, row), so there is no state to save.

The generator is Philox4x32-10, a counter-based one (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as
1, 2, 3*, SC 2011). Row numbers are its counters, so a row's draws are the same whatever batch, worker, process or
device asks for them, and whole batches are drawn at once.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_MASK = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10

Words = tuple[Tensor, Tensor, Tensor, Tensor]


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Philox4x32-10: four tensors of 32-bit counters (held in int64) and two key words to four tensors of random words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        # A 32×32-bit product wraps in int64, but its bits are right: the shift and mask take the unsigned high word.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = ((p1 >> 32) & _MASK) ^ c1 ^ k0, p1 & _MASK, ((p0 >> 32) & _MASK) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


@dataclass(frozen=True)
class Key:
    """A place in the tree of random numbers. `Key(seed)("noise", epoch)` is one purpose in one epoch.

    Draws are made for rows: `key.uniform(rows, (3,))` gives a tensor `(len(rows), 3)` whose i-th row depends on the key
    and `rows[i]` alone.
    """

    seed: int
    path: tuple[int | str, ...] = ()

    def __call__(self, *path: int | str) -> "Key":
        """The key below this one for a purpose, an epoch, or any other name or number."""
        return Key(self.seed, self.path + path)

    @property
    def number(self) -> int:
        """A 64-bit number of this key: a seed for generators other than this one."""
        text = repr((self.seed, self.path)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")

    def words(self, rows: Int[Tensor, " rows"], count: int) -> Int[Tensor, "rows {count}"]:
        """`(len(rows), count)` random 32-bit words, in int64, on the device of `rows` (int64 row numbers)."""
        blocks = -(-count // 4)
        row = rows.reshape(-1, 1)
        block = torch.arange(blocks, device=rows.device).reshape(1, -1).expand(len(rows), blocks)
        low, high = (row & _MASK).expand_as(block), ((row >> 32) & _MASK).expand_as(block)
        number = self.number
        drawn = philox((low, high, block, torch.zeros_like(block)), (number & _MASK, number >> 32))
        return torch.stack(drawn, dim=2).reshape(len(rows), 4 * blocks)[:, :count]

    def integers(
        self, rows: Int[Tensor, " rows"], low: int, high: int, shape: Sequence[int] = ()
    ) -> Int[Tensor, "rows *shape"]:
        """Integers in `[low, high)`, int64 of shape `(len(rows), *shape)`; for ranges up to 2**31."""
        words = self.words(rows, math.prod(shape))
        return low + ((words * (high - low)) >> 32).reshape(len(rows), *shape)

    def uniform(self, rows: Int[Tensor, " rows"], shape: Sequence[int] = ()) -> Float[Tensor, "rows *shape"]:
        """Numbers in `[0, 1)`, float32 of shape `(len(rows), *shape)`, multiples of 2**-24."""
        words = self.words(rows, math.prod(shape))
        return ((words >> 8).to(torch.float32) * 2.0**-24).reshape(len(rows), *shape)

    def normal(self, rows: Int[Tensor, " rows"], shape: Sequence[int] = ()) -> Float[Tensor, "rows *shape"]:
        """Standard normal numbers, float32 of shape `(len(rows), *shape)`, by the Box-Muller transform.

        It is computed in float64 and rounded once, so that devices whose logarithms differ in the last bit agree.
        """
        count = math.prod(shape)
        half = (count + 1) // 2
        words = self.words(rows, 2 * half).to(torch.float64)
        radius = torch.sqrt(-2.0 * torch.log((words[:, :half] + 1.0) * 2.0**-32))
        angle = words[:, half:] * (2.0 * math.pi * 2.0**-32)
        drawn = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)[:, :count]
        return drawn.to(torch.float32).reshape(len(rows), *shape)

    def permutation(self, length: int) -> Int[Tensor, " {length}"]:
        """The numbers `0..length-1` in random order, int64 on the CPU, by torch's `randperm` seeded from this key."""
        return torch.randperm(length, generator=torch.Generator().manual_seed(self.number))
