"""DICOM series as volumes: tiny ones, written here."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from stepwell.core.errors import DataError
from stepwell.data import read_volume

STORED = np.random.default_rng(0).integers(0, 4096, (5, 4, 6), dtype=np.uint16)
SERIES = "1.2.3"
FLAT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def write_slice(path: Path, pixels: Any, position: tuple[float, float, float], **changes: Any) -> None:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
    data.SeriesInstanceUID = SERIES
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleSlope, data.RescaleIntercept = 2, -1024
    data.PixelSpacing = [0.75, 0.5]  # between rows, then between columns
    data.ImageOrientationPatient, data.ImagePositionPatient = list(FLAT), list(position)
    data.PixelData = pixels.tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)


def write_series(folder: Path, heights: tuple[float, ...] = (0, 3, 6, 9, 12), **changes: Any) -> Path:
    """Slices of `STORED`, the highest first by name."""
    for number, height in enumerate(heights):
        write_slice(folder / f"{9 - number}.dcm", STORED[number % 5], (-10.0, 20.0, height), **changes)
    return folder


def test_slices_are_ordered_by_position_in_hounsfield_units(tmp_path: Path) -> None:
    volume = read_volume(write_series(tmp_path))
    assert volume.values.dtype == torch.float32
    assert volume.values.shape == (1, 5, 4, 6)
    assert np.array_equal(volume.values[0].numpy(), STORED.astype(np.float32) * 2 - 1024)
    assert volume.spacing == (3.0, 0.75, 0.5)
    assert volume.origin == (-10.0, 20.0, 0.0)
    assert volume.axes == ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    assert volume.series == SERIES
    assert [path.name for path in volume.files] == ["9.dcm", "8.dcm", "7.dcm", "6.dcm", "5.dcm"]


def test_slices_of_another_direction_are_ordered_along_their_own_normal(tmp_path: Path) -> None:
    for number, x in enumerate((4.0, -2.0, 0.0, 2.0)):
        write_slice(tmp_path / f"{number}", STORED[number], (x, 1.0, 1.0), ImageOrientationPatient=list(SAGITTAL))
    volume = read_volume(tmp_path)
    normal = np.array(volume.axes[0])
    assert normal.tolist() == [-1.0, 0.0, 0.0]
    assert [path.name for path in volume.files] == ["0", "3", "2", "1"]
    assert volume.origin == (4.0, 1.0, 1.0)
    assert volume.spacing[0] == 2.0


def test_each_slice_has_its_own_slope(tmp_path: Path) -> None:
    for number in range(2):
        write_slice(tmp_path / f"{number}.dcm", STORED[number], (0, 0, number), RescaleSlope=number + 1)
    expected = STORED[:2] * np.array([1.0, 2.0]).reshape(2, 1, 1) - 1024
    assert np.array_equal(read_volume(tmp_path).values[0].numpy(), expected)


def test_files_that_are_no_dicom_are_passed_over_but_a_broken_dcm_is_named(tmp_path: Path) -> None:
    write_series(tmp_path)
    (tmp_path / "LICENSE").write_text("A text that is long enough for a preamble. " * 9)
    (tmp_path / "more").mkdir()
    assert read_volume(tmp_path).values.shape == (1, 5, 4, 6)
    (tmp_path / "7.dcm").write_bytes(b"no dicom" * 40)
    with pytest.raises(DataError, match=r"7\.dcm cannot be read as DICOM"):
        read_volume(tmp_path)


def test_two_series_are_listed(tmp_path: Path) -> None:
    write_series(tmp_path)
    write_slice(tmp_path / "scout.dcm", STORED[0], (0, 0, 50), SeriesInstanceUID="1.2.9")
    with pytest.raises(DataError, match=r"holds 2 series(.|\n)*1\.2\.3: 5 slices\n  1\.2\.9: 1 slices"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("heights", "message"),
    [
        ((0, 3, 9, 12, 15), r"in 1 places:\n  between 8\.dcm and 7\.dcm, 1 missing: 6 mm instead of 3 mm"),
        ((0, 3, 6, 10, 13), r"between 7\.dcm and 6\.dcm: 4 mm instead of 3 mm; resample"),
        ((0, 3, 6, 6, 9), r"6\.dcm and 7\.dcm are at the same place"),
        ((5, 5), r"9\.dcm are at the same place"),
        ((5,), r"9\.dcm is the only slice"),
    ],
)
def test_missing_double_and_uneven_slices_are_told(tmp_path: Path, heights: tuple[float, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_volume(write_series(tmp_path, heights))


def test_rounded_positions_are_even(tmp_path: Path) -> None:
    volume = read_volume(write_series(tmp_path, (0, 0.667, 1.333, 2.0, 2.667)))
    assert volume.spacing[0] == pytest.approx(2.667 / 4)


def test_a_tilted_scan_is_told(tmp_path: Path) -> None:
    for number in range(3):
        write_slice(tmp_path / f"{number}.dcm", STORED[number], (0, 0.5 * number, 3 * number))
    with pytest.raises(
        DataError, match=r"in 2 places:\n  between 0\.dcm and 1\.dcm, .* sideways by 0\.5 mm: a tilted scan"
    ):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PixelSpacing": [0.8, 0.8]}, r"z\.dcm has PixelSpacing \[0\.8, 0\.8\], but 5\.dcm has \[0\.75, 0\.5\]"),
        ({"ImageOrientationPatient": list(SAGITTAL)}, r"z\.dcm has ImageOrientationPatient"),
        ({"ImagePositionPatient": None}, r"z\.dcm is no slice .* no ImagePositionPatient\."),
        ({"PixelData": b"\0\0"}, r"The pixels of \S*z\.dcm cannot be decoded"),
        ({"PixelData": None}, r"The pixels of \S*z\.dcm cannot be decoded"),
    ],
)
def test_a_slice_unlike_the_others_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_series(tmp_path)
    write_slice(tmp_path / "z.dcm", STORED[0], (-10, 20, 15), **changes)
    with pytest.raises(DataError, match=message):
        read_volume(tmp_path)


def test_frames_in_one_file_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path)
    write_slice(tmp_path / "z.dcm", STORED[0], (-10, 20, 15), NumberOfFrames=2, PixelData=STORED[:2].tobytes())
    with pytest.raises(DataError, match=r"z\.dcm holds \(2, 4, 6\); a slice is one grey image"):
        read_volume(tmp_path)


def test_a_folder_without_slices_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder .*no"):
        read_volume(tmp_path / "no")
    with pytest.raises(DataError, match="holds no DICOM slices"):
        read_volume(tmp_path)


def test_without_pydicom_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r"need the package pydicom: pip install 'stepwell\[dicom\]'\."):
        read_volume(tmp_path)
