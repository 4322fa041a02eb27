"""Published weights by name: where they come from, what they were trained on, and where they lie on this machine.

Names, addresses and the pictures' sizes are torchvision's (`IMAGENET1K_V1`). The first eight digits of each SHA-256 stand in
the file's name; the others were found in public lists of checksums, where there were any. No address was tried when this
table was written: there was no network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepwell.core.errors import DataError, suggest
from stepwell.data.catalogue import data_folder
from stepwell.data.download import Progress, fetch, sha256_of

_FROM = "https://download.pytorch.org/models/"
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DIGITS = 64  # of a whole SHA-256


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights for the architecture `name`, trained on ImageNet's 1000 classes.

    `sha256` is the file's, or its beginning, `megabytes` its size. A picture's shorter side is scaled to `shorter` pixels, the
    middle `crop` × `crop` of them cut out, and each channel normalised by `mean` and `std`, for values 0 to 1.
    """

    name: str
    file: str
    sha256: str
    megabytes: int
    shorter: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = _IMAGENET_MEAN
    std: tuple[float, float, float] = _IMAGENET_STD
    classes: int = 1000

    @property
    def url(self) -> str:
        """Where the file is published."""
        return _FROM + self.file

    @property
    def path(self) -> Path:
        """Where the file lies on this machine, if it does."""
        return weights_folder() / self.file


_ROWS = (
    Published(
        name="resnet18",
        file="resnet18-f37072fd.pth",
        sha256="f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        megabytes=47,
    ),
    Published(
        name="resnet34",
        file="resnet34-b627a593.pth",
        sha256="b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
        megabytes=87,
    ),
    Published(
        name="resnet50",
        file="resnet50-0676ba61.pth",
        sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        megabytes=103,
    ),
    Published(
        name="resnet101",
        file="resnet101-63fe2227.pth",
        sha256="63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a",
        megabytes=179,
    ),
    Published(
        name="resnet152",
        file="resnet152-394f9c45.pth",
        sha256="394f9c45966e3651a89bbb78a48410a6755854ce4a5ab64927cf1c7247f85e58",
        megabytes=242,
    ),
    Published(
        name="alexnet",
        file="alexnet-owt-7be5be79.pth",
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        megabytes=244,
    ),
    Published(
        name="vgg16",
        file="vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        megabytes=553,
    ),
    # Its weights come from TensorFlow, where channels were scaled to -1 to 1.
    Published(
        name="inception",
        file="inception_v3_google-0cc3c7bd.pth",
        sha256="0cc3c7bd",
        megabytes=109,
        shorter=342,
        crop=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
)

PUBLISHED: Mapping[str, Published] = {row.name: row for row in _ROWS}
"""Architecture → its published weights."""


def weights_folder() -> Path:
    """Where weights are looked for: `weights` in the data folder. It may not exist yet."""
    return data_folder() / "weights"


def published(name: str) -> Published:
    """The published weights of an architecture. Raises `DataError`, with the nearest name, where there are none."""
    if name not in PUBLISHED:
        raise DataError(
            f"There are no published weights {name!r}; there are {', '.join(PUBLISHED)}.{suggest(name, PUBLISHED)}"
        )
    return PUBLISHED[name]


def find_weights(given: Path | str) -> Path:
    """The file of weights that was meant: a path, the name of a file in `weights_folder()`, or an architecture's name.

    Where the architecture's name stands before the file's ending (`resnet101.pth`), the published file will do, too. A
    published file has its checksum compared. Raises `DataError` where there is none: with where to get it and where to put
    it.
    """
    given = Path(given)
    meant = _meant(given)
    places = [given, weights_folder() / given, *([meant.path] if meant else [])]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise DataError(_missing(given, meant))
    for one in PUBLISHED.values():
        if found.name == one.file:
            check(found, one)
    return found


def get_weights(name: str, progress: Progress | None = None) -> Path:
    """The published weights of an architecture, downloaded where they are missing; `name` may be their file's, too.

    Raises `DataError` where they cannot be had.
    """
    one = _meant(Path(name)) or published(Path(name).stem)
    if one.path.is_file():
        return check(one.path, one)
    if len(one.sha256) < _DIGITS:
        raise DataError(
            f"The weights {name} are not fetched, since only the beginning of their SHA-256 is known. By hand:\n{_how(one)}"
        )
    return fetch(one.url, one.path, one.sha256, progress=progress)


def check(path: Path, one: Published) -> Path:
    """The path, where its content is what was published; else raises `DataError`."""
    got = sha256_of(path)
    if not got.startswith(one.sha256):
        raise DataError(
            f"{path} is not what was published: its SHA-256 begins with {got[:8]}, not {one.sha256[:8]}"
            f" ({path.stat().st_size:,} bytes; about {one.megabytes} MB are due). Delete it, and get it from {one.url}."
        )
    return path


def _meant(given: Path) -> Published | None:
    by_file = {one.file: one for one in PUBLISHED.values()}
    return by_file.get(given.name) or PUBLISHED.get(given.name if not given.suffix else given.stem)


def _missing(given: Path, meant: Published | None) -> str:
    if meant is None:
        near = suggest(given.stem, PUBLISHED)
        return (
            f"There is no file of weights {given}, nor {weights_folder() / given.name}.{near} Published ones are known for"
            f" {', '.join(PUBLISHED)}."
        )
    asked = (
        f"\n  or   stepwell recognise PHOTO --weights {meant.name} --download" if len(meant.sha256) == _DIGITS else ""
    )
    return f"The weights {given} are not here, and are not fetched without being asked for. To have them:\n{_how(meant)}{asked}"


def _how(one: Published) -> str:
    return f"  get  {one.url} (about {one.megabytes} MB, SHA-256 {one.sha256[:8]}…)\n  to   {one.path}"
