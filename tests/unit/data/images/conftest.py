"""Small pictures in files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """`save("cat/1.png", seed=1)`: noise, or a given picture, in a file below the test's folder."""

    def put(name: str, image: Image.Image | None = None, *, seed: int = 0, **options: Any) -> Path:
        if image is None:
            image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, **options)
        return path

    return put
