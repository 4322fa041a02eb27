"""LitServe's server of `serving_peers.py`; in a file of its own, as LitServe sends the class to another process."""

from pathlib import Path
from typing import Annotated

import litserve as ls
import torch
from fastapi import Depends, Request
from serving_peers import model_of, predict, row_of


async def raw(request: Request) -> bytes:
    return await request.body()


class Api(ls.LitAPI):
    weights: Path

    def setup(self, device: str) -> None:
        self.model = model_of(self.weights)

    def decode_request(self, request: Annotated[bytes, Depends(raw)]) -> torch.Tensor:
        return row_of(request)

    def batch(self, rows: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(rows)

    def predict(self, rows: torch.Tensor) -> torch.Tensor:
        return predict(self.model, rows)

    def unbatch(self, found: torch.Tensor) -> list[torch.Tensor]:
        return list(found)

    def encode_response(self, found: torch.Tensor) -> dict[str, list[float]]:
        return {"probabilities": found.tolist()}
