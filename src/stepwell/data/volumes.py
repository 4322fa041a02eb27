"""A folder of DICOM slices as one volume in Hounsfield units. Needs the package pydicom: the extra `dicom`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from stepwell.core.errors import DataError

_GEOMETRY = ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient")  # equal in all slices of a volume
_TOLERANCE = 0.01  # of the distance between slices: positions are rounded decimal texts


@dataclass(frozen=True)
class Volume:
    """A scan: `values` in Hounsfield units (air -1000, water 0), and where its voxels are in the patient.

    `spacing` is the distance of voxels along depth, height and width in mm. `origin` is the centre of voxel (0, 0, 0) and the
    rows of `axes` are the unit vectors along depth, height and width, in DICOM's coordinates (left, posterior, superior; mm).
    `files` are the slices in order.
    """

    values: Float32[Tensor, "1 depth height width"]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    axes: tuple[tuple[float, float, float], ...]
    series: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class _Slice:
    path: Path
    header: Any

    @property
    def axes(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        # DICOM gives first the direction in which the column number grows: the width.
        width, height = np.array(self.header.ImageOrientationPatient, dtype=float).reshape(2, 3)
        return np.stack([np.cross(width, height), height, width])

    @property
    def position(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array(self.header.ImagePositionPatient, dtype=float)

    @property
    def along(self) -> float:
        return float(self.position @ self.axes[0])


def read_volume(folder: Path | str) -> Volume:
    """The one series of DICOM slices in `folder`, ordered by position along the normal of the slices, not by file name.

    Files that are no DICOM are passed over, unless they end in `.dcm`. Raises `DataError` for a folder with no series or
    several (they are listed), slices that are missing, double, unevenly spaced or of differing geometry, and pixels that cannot
    be decoded. Source: Stevens et al., section 4.2 (book row S4.2).
    """
    slices = _one_series(Path(folder))
    _check_alike(slices)
    slices = sorted(slices, key=lambda one: one.along)
    depth = _even_distance(slices)
    first = slices[0]
    height, width = (float(number) for number in first.header.PixelSpacing)
    return Volume(
        values=_hounsfield(slices),
        spacing=(depth, height, width),
        origin=_three(first.position),
        axes=tuple(_three(axis) for axis in first.axes),
        series=str(first.header.SeriesInstanceUID),
        files=tuple(one.path for one in slices),
    )


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise DataError("DICOM files need the package pydicom: pip install 'stepwell[dicom]'.") from None
    return pydicom


def _one_series(folder: Path) -> list[_Slice]:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    slices = [one for path in sorted(folder.iterdir()) if path.is_file() and (one := _slice(path))]
    series = Counter(str(one.header.SeriesInstanceUID) for one in slices)
    if not series:
        raise DataError(f"{folder} holds no DICOM slices; give the folder in which the files of one series lie.")
    if len(series) > 1:
        listed = "".join(f"\n  {uid}: {count} slices" for uid, count in series.items())
        raise DataError(f"{folder} holds {len(series)} series; put one into a folder of its own:{listed}")
    return slices


def _slice(path: Path) -> _Slice | None:
    pydicom = _pydicom()
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
    except (pydicom.errors.InvalidDicomError, OSError, EOFError, ValueError) as error:
        if path.suffix.lower() != ".dcm":
            return None
        raise DataError(f"{path} cannot be read as DICOM: {error}. Replace the file or leave it out.") from None
    if "DirectoryRecordSequence" in header:
        return None  # DICOMDIR, the list of contents of a disc
    missing = [name for name in (*_GEOMETRY, "ImagePositionPatient", "SeriesInstanceUID") if name not in header]
    if missing:
        raise DataError(f"{path} is no slice with a place in a volume: it has no {', '.join(missing)}.")
    return _Slice(path, header)


def _check_alike(slices: Sequence[_Slice]) -> None:
    first = slices[0]
    for one in slices:
        for name in _GEOMETRY:
            mine, its = (np.array(of.header[name].value, dtype=float) for of in (first, one))
            if not np.allclose(mine, its, rtol=0, atol=1e-4):
                raise DataError(
                    f"{one.path} has {name} {its.tolist()}, but {first.path.name} has {mine.tolist()}; "
                    "the slices of a volume are alike."
                )


def _even_distance(slices: Sequence[_Slice]) -> float:
    """The distance of neighbouring slices in mm, or the places where it is another one."""
    if len(slices) < 2:
        raise DataError(f"{slices[0].path} is the only slice; a volume needs two or more.")
    steps = np.diff([one.position for one in slices], axis=0)
    along = steps @ slices[0].axes[0]
    usual = float(np.median(along))
    aside = np.linalg.norm(steps - np.outer(along, slices[0].axes[0]), axis=1)
    odd = np.flatnonzero((np.abs(along - usual) > _TOLERANCE * usual) | (along <= 0) | (aside > _TOLERANCE * usual))
    if odd.size:
        listed = "".join(f"\n  {_gap(slices[i], slices[i + 1], along[i], usual, aside[i])}" for i in odd[:5])
        raise DataError(f"Slices of {slices[0].path.parent} are not evenly spaced in {odd.size} places:{listed}")
    return float(along.mean())


def _gap(before: _Slice, after: _Slice, along: float, usual: float, aside: float) -> str:
    between = f"between {before.path.name} and {after.path.name}"
    missing = round(along / usual) - 1 if usual > 0 else 0
    if along <= 0 or along < _TOLERANCE * usual:
        return f"{before.path.name} and {after.path.name} are at the same place: leave one out"
    if aside > _TOLERANCE * max(usual, along):
        return f"{between}, the slice is shifted sideways by {aside:.3g} mm: a tilted scan; resample it first"
    if missing > 0 and abs(along - (missing + 1) * usual) <= _TOLERANCE * along:
        return f"{between}, {missing} missing: {along:.3g} mm instead of {usual:.3g} mm"
    return f"{between}: {along:.3g} mm instead of {usual:.3g} mm; resample the scan first"


def _hounsfield(slices: Sequence[_Slice]) -> Tensor:
    """Stored numbers × slope + intercept, read into one block. 16 bits fit float32 exactly."""
    first = slices[0].header
    values = torch.empty(1, len(slices), int(first.Rows), int(first.Columns))
    for place, one in enumerate(slices):
        slope, intercept = float(one.header.get("RescaleSlope", 1)), float(one.header.get("RescaleIntercept", 0))
        values[0, place] = torch.from_numpy(_pixels(one.path).astype(np.float64) * slope + intercept)
    return values


def _pixels(path: Path) -> np.ndarray[Any, Any]:
    try:
        pixels: np.ndarray[Any, Any] = _pydicom().dcmread(path).pixel_array
    except (ValueError, AttributeError, RuntimeError, OSError, EOFError) as error:
        raise DataError(f"The pixels of {path} cannot be decoded: {error}.") from None
    if pixels.ndim != 2:
        raise DataError(f"{path} holds {pixels.shape}; a slice is one grey image (height, width).")
    return pixels


def _three(vector: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z
