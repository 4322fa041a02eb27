"""The catalogue: public data sets by name, where their files come from, and whether the copies here are the right ones.

Checksums were computed from the copies in the project's shared data folder, except where a comment says otherwise. The
sizes and checksums of `bobby.jpg`, `horse.jpg`, `imagenet_classes.txt`, `winequality-white.csv`, `hour.csv`,
`hour-fixed.csv`, `pride-and-prejudice.txt` and `birds-vs-airplanes.pt` were seen, too, in a snapshot of the repository
that they are fetched from. No address was tried when this table was written: there was no network.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from stepwell.core.errors import DataError, suggest
from stepwell.data.download import fetch, sha256_of

_BOOK = "https://raw.githubusercontent.com/deep-learning-with-pytorch/dlwpt-code/master/data"
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
_GUTENBERG = "https://www.gutenberg.org/files"

Progress = Callable[[str, int, int | None], None]
"""Called with the file's path in the data folder, the bytes that are there, and the bytes that are due."""


@dataclass(frozen=True)
class Version:
    """An accepted content of a file. `note` says what it is, where that is not simply the published file."""

    sha256: str
    bytes: int
    note: str = ""


@dataclass(frozen=True)
class DataFile:
    """A file: its path in the data folder, its address, what that address gives, and other versions that will do."""

    path: str
    url: str
    published: Version
    others: tuple[Version, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A named data set; its files lie in the folder of that name. `page` is where people read about it."""

    name: str
    description: str
    licence: str
    page: str
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
class FileStatus:
    """How the copy of a file is: `note` says which accepted version is present, or what differs."""

    path: Path
    state: Literal["present", "missing", "differs"]
    note: str = ""


def _files(folder: str, address: str, versions: dict[str, Version]) -> tuple[DataFile, ...]:
    return tuple(DataFile(f"{folder}/{name}", f"{address}/{name}", version) for name, version in versions.items())


# The published checksums are those that TensorFlow Datasets pins, confirmed by five other public lists.
_FASHION_PUBLISHED = {
    "train-images-idx3-ubyte.gz": Version("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880),
    "train-labels-idx1-ubyte.gz": Version("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515),
    "t10k-images-idx3-ubyte.gz": Version("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102),
    "t10k-labels-idx1-ubyte.gz": Version("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148),
}
# The copy for tests has its rows in another order, so it has checksums of its own.
_FASHION_REORDERED = {
    "train-images-idx3-ubyte.gz": Version("2ec08d22d046b680c9a57b1b7fadb2add8a454b6ac9c861a2b52fe0d2673ce34", 26194757),
    "train-labels-idx1-ubyte.gz": Version("7aae7312bec13c4276ba4f508cb808236a247c7c5c5d603bcd44f9efd6debac4", 29497),
    "t10k-images-idx3-ubyte.gz": Version("cec949a52db1fb753cd96a21a812c9ce5a2f849a9d54db88afd1c2725808f7e5", 4384615),
    "t10k-labels-idx1-ubyte.gz": Version("6bdc149cf8a23f9cae3b9494cbc09c26232a42dc6aac25f6d77a258f51ffda9a", 5142),
}
# UCI offers its files in a zip archive only; the book's repository has them one by one.
_BIKES = {
    "hour-fixed.csv": Version("ae5b1b828676fb7696ebfd838f105c71cda9c867aa752f75eed6fa6d0eacf991", 1148001),
    "hour.csv": Version("b03a2d02e8c10f435c43c7f0b358b7e34a003afea53dbc37f0183f2763295133", 1139356),
    "day.csv": Version("537e98e2c8b8f53e3094d953f847788b1dc224764a4a1e538b3e1ec4e30dac8a", 56837),
    "Readme.txt": Version("6f5ca84b8e9495c6c1f4ce48c31a99f96bba9d952c7f694cbbce3cd82332d471", 5496),
}
_WINE = {
    "winequality-white.csv": Version("76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836", 264426),
}
_IMAGES = {
    "bobby.jpg": Version("71d4d4ae4f00f5febb1f178153673bc456d15f305f6d58517679340dcfbf5914", 75801),
    "horse.jpg": Version("478b2b255c74ad18547b6df158a08703d7c5961e89a5c46f2685f820122fff66", 385347),
    "imagenet_classes.txt": Version("a40d9be82eb4738becd1dd69991b89f87f309975e860a6f3f45395d8c06a7e0d", 21674),
}
_CATS = {
    "cat1.png": Version("e87d082c3d9465126a0e66f95b0111be8d300223c24a7590604e622cba662699", 142028),
    "cat2.png": Version("5fe15f80c49c9ecb7c72dcdc276d43a04c0559dc9bf62d5de17c72c5b777283f", 144059),
    "cat3.png": Version("903322dcc2bb2930013d58cd39c6ae6f55c5b1b640ef3129b30c0000c6858c93", 106468),
}
_TEXT = (
    DataFile(
        "text/pride-and-prejudice.txt",
        f"{_BOOK}/p1ch4/jane-austen/1342-0.txt",
        Version("c96e628c6f84bf45d3cee2c2da66166ccbeda328ecb76bb9b2ab1bc91961d0d1", 711298),
    ),
    # Gutenberg has edited these two since the editions that the checksums pin (2016 and 2008), so fetching them may end
    # in the message that the checksum differs.
    DataFile(
        "text/alice-in-wonderland.txt",
        f"{_GUTENBERG}/11/11-0.txt",
        Version("49a0b2726606e1290ac03a63978fa1dd1bd38a8d805704d98265f393533ea094", 173595),
    ),
    DataFile(
        "text/wizard-of-oz.txt",
        f"{_GUTENBERG}/55/55-0.txt",
        Version("18274f31ae11aea07ea9b4f707998636c6f75d784c60d7e8fea0b4d5c2d77af6", 232789),
    ),
)
_BIRDS_AND_PLANES = DataFile(
    "cifar-2/birds-vs-airplanes.pt",
    f"{_BOOK}/p1ch6/birds_vs_airplanes.pt",
    Version("82bbc255589220d8d9e37981be4149707ed9b7dab44ad045e2a8357475dd1eae", 73643),
)
_RPS = "https://storage.googleapis.com/download.tensorflow.org/data"
# The checksums of CIFAR-10 and of rock-paper-scissors are those that TensorFlow Datasets pins; no copy was here to compare.
_RPS_ARCHIVES = {
    "rps.zip": Version("c2403444395842ad04c53612bad54b574443eae17a0723117a2ff87b9d72194f", 200682221),
    "rps-test-set.zip": Version("c27ab9fa43ce40b2e453de711365b477f4424586edf0388116674fd320f07503", 29516758),
}
_CIFAR_10 = {
    "cifar-10-binary.tar.gz": Version("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170052171),
}

_SETS = (
    DataSet(
        "fashion-mnist",
        "60,000 + 10,000 grey images 28×28 of clothes in 10 classes, idx format",
        "MIT",
        "https://github.com/zalandoresearch/fashion-mnist",
        tuple(
            replace(file, others=(replace(other, note="the same rows in another order"),))
            for file, other in zip(
                _files("fashion-mnist", _FASHION, _FASHION_PUBLISHED), _FASHION_REORDERED.values(), strict=True
            )
        ),
    ),
    DataSet(
        "cifar-10",
        "50,000 + 10,000 colour images 32×32 in 10 classes, binary version",
        "not stated; cite Krizhevsky, 2009",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        _files("cifar-10", "https://www.cs.toronto.edu/~kriz", _CIFAR_10),
    ),
    DataSet(
        "rock-paper-scissors",
        "2,520 + 372 rendered hands 300×300 with alpha in 3 classes, PNG in two zip archives",
        "CC BY 2.0; Laurence Moroney",
        "https://laurencemoroney.com/datasets.html",
        _files("rock-paper-scissors", _RPS, _RPS_ARCHIVES),
    ),
    DataSet(
        "wine",
        "4,898 white wines: 11 measurements and a quality from 0 to 10",
        "CC BY 4.0; cite Cortez et al., 2009",
        "https://archive.ics.uci.edu/dataset/186/wine+quality",
        _files("wine", f"{_BOOK}/p1ch4/tabular-wine", _WINE),
    ),
    DataSet(
        "bike-sharing",
        "hourly and daily bike rentals in Washington, 2011 and 2012; hour-fixed.csv has the missing hours filled in",
        "CC BY 4.0; cite Fanaee-T and Gama, 2013",
        "https://archive.ics.uci.edu/dataset/275/bike+sharing+dataset",
        _files("bike-sharing", f"{_BOOK}/p1ch4/bike-sharing-dataset", _BIKES),
    ),
    DataSet(
        "text",
        "Pride and Prejudice, Alice in Wonderland, The Wonderful Wizard of Oz, as plain text",
        "public domain in the USA; the Project Gutenberg License stands in the files",
        "https://www.gutenberg.org",
        _TEXT,
    ),
    DataSet(
        "images",
        "a golden retriever, a horse, three cats of 256×256 pixels, and the names of ImageNet's 1,000 classes",
        "not stated; published with the book Deep Learning with PyTorch",
        "https://github.com/deep-learning-with-pytorch/dlwpt-code",
        _files("images", f"{_BOOK}/p1ch2", _IMAGES) + _files("images", f"{_BOOK}/p1ch4/image-cats", _CATS),
    ),
    DataSet(
        "cifar-2",
        "weights of the book's network of 18,090 parameters that tells birds from aeroplanes (CIFAR-10)",
        "not stated; published with the book Deep Learning with PyTorch",
        "https://github.com/deep-learning-with-pytorch/dlwpt-code",
        (_BIRDS_AND_PLANES,),
    ),
)

CATALOGUE: dict[str, DataSet] = {entry.name: entry for entry in _SETS}


def data_folder() -> Path:
    """Where data sets lie: `STEPWELL_DATA`, else `stepwell` in the user's cache folder. It may not exist yet."""
    if chosen := os.environ.get("STEPWELL_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stepwell"


def find(name: str) -> DataSet:
    """The data set of that name. Raises `DataError`, with the nearest name, where there is none."""
    if name not in CATALOGUE:
        raise DataError(f"Unknown data set {name!r}; known: {', '.join(CATALOGUE)}.{suggest(name, CATALOGUE)}")
    return CATALOGUE[name]


def get(name: str, progress: Progress | None = None, *, root: Path | None = None) -> Path:
    """The folder of a data set in `root` (default: `data_folder()`), after downloading what is missing. Files that are there
    are kept as they are.

    Raises `DataError` for an unknown name, for a file that is there with a size that none of its versions has (a wrong
    file, or half of one), and for whatever keeps a download from succeeding.
    """
    entry, root = find(name), Path(root or data_folder())
    for file in entry.files:
        path = root / file.path
        if path.exists():
            _check_size(file, path)
        else:
            wanted = file.published
            fetch(file.url, path, wanted.sha256, wanted.bytes, progress and partial(progress, file.path))
    return root / name


def check(name: str) -> list[FileStatus]:
    """How the files of a data set are, one by one; reads all of them. Raises `DataError` for an unknown name."""
    return [_status(file, data_folder() / file.path) for file in find(name).files]


def _check_size(file: DataFile, path: Path) -> None:
    size, versions = path.stat().st_size, (file.published, *file.others)
    if size not in {version.bytes for version in versions}:
        due = " or ".join(f"{version.bytes:,}" for version in versions)
        raise DataError(
            f"{path} has {size:,} bytes, {due} are due: it is another file, or not all of it. Delete it, and ask again."
        )


def _status(file: DataFile, path: Path) -> FileStatus:
    if not path.exists():
        return FileStatus(path, "missing", f"to be had from {file.url}")
    got = sha256_of(path)
    for version in (file.published, *file.others):
        if got == version.sha256:
            return FileStatus(path, "present", version.note)
    return FileStatus(path, "differs", f"its SHA-256 is {got}, published is {file.published.sha256}")
