"""A fingerprint of data: the same bytes give the same text, so a run can say what it was trained on."""

import hashlib
import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.data.batch import Source
from stepwell.data.checks import blocks, named_tensors


def bytes_of_rows(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The memory of each row: uint8 of shape `(rows, bytes of a row)`; a view where the tensor is contiguous."""
    length = len(tensor)
    flat = tensor.detach().cpu().reshape(length, tensor[:1].numel()).contiguous()
    return flat.view(torch.uint8).numpy() if flat.numel() else np.empty((length, 0), np.uint8)


def fingerprint(source: Source, rows: int | None = None) -> str:
    """SHA-256 (64 hexadecimal digits) over all rows: names, dtypes, shapes and bytes of inputs and targets, in order.

    `rows` are read at a time; the fingerprint does not depend on it, as long as rows are of one shape.
    """
    # A hash for each tensor of the tree: one for all would see them interleaved, block by block.
    digests: dict[str, Any] = {}
    for batch in blocks(source, rows):
        for name, tensor in named_tensors(batch).items():
            kind = f"{name} {tensor.dtype} {tuple(tensor.shape[1:])}"
            digests.setdefault(kind, hashlib.sha256()).update(bytes_of_rows(tensor))
    kinds = {kind: digest.hexdigest() for kind, digest in digests.items()}
    text = json.dumps({"rows": len(source), "tensors": kinds}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
