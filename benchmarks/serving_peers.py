"""The peers of `serving.py`, as their own documentation writes a server: one network, asked with 4,096 bytes a row.

`python serving_peers.py NAME --weights model.safetensors --port 8001` serves until it is ended. Each is given what is fair to
it: no validation, no labels, the shortest answer, no access log, and uvicorn's fast parser and loop.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from wide_mlp import network


def model_of(weights: Path) -> nn.Module:
    model = network()
    model.load_state_dict(load_file(weights))
    return model.eval()


def predict(model: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.softmax(model(rows), 1)


def row_of(body: bytes) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(body, np.float32).copy())


def fastapi_async(weights: Path, port: int) -> None:
    """The model called in a coroutine."""
    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    app, model = FastAPI(), model_of(weights)

    @app.post("/predict")
    async def answer(request: Request) -> Any:
        row = row_of(await request.body())
        return JSONResponse({"probabilities": predict(model, row[None])[0].tolist()})

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def fastapi_def(weights: Path, port: int) -> None:
    """The model called in a function, which FastAPI runs on a thread."""
    import uvicorn
    from fastapi import Depends, FastAPI, Request
    from fastapi.responses import JSONResponse

    app, model = FastAPI(), model_of(weights)

    async def raw(request: Request) -> bytes:
        return await request.body()

    @app.post("/predict")
    def answer(body: Annotated[bytes, Depends(raw)]) -> Any:
        return JSONResponse({"probabilities": predict(model, row_of(body)[None])[0].tolist()})

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def litserve(weights: Path, port: int) -> None:
    """LitServe with batches of at most 32, gathered for at most 2 ms."""
    import litserve as ls
    from serving_litserve import Api

    api = Api(max_batch_size=32, batch_timeout=0.002)
    api.weights = weights
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning", access_log=False)


PEERS: dict[str, Callable[[Path, int], None]] = {
    "FastAPI, async def": fastapi_async,
    "FastAPI, def": fastapi_def,
    "LitServe": litserve,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(PEERS))
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, help="torch's threads (default: torch's own)")
    settings = parser.parse_args()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    PEERS[settings.name](settings.weights, settings.port)


if __name__ == "__main__":
    main()
