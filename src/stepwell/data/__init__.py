"""Raw files → rows → batches: sources, orders, the loader, splits, leak checks, named data sets."""

from typing import TYPE_CHECKING

from stepwell.core.lazy import names_of

if TYPE_CHECKING:
    from stepwell.data.arrays import ArraySource, Noise, Subset, Transformed, as_source
    from stepwell.data.batch import Batch, Source, whole
    from stepwell.data.hdf5 import HDF5Source
    from stepwell.data.leaks import Leak, shared_rows
    from stepwell.data.libsvm import read_libsvm
    from stepwell.data.loader import Loader
    from stepwell.data.memmap import MemmapSource
    from stepwell.data.orders import Balanced, Sequential, Shuffled, TorchShuffled, TorchWeighted, Weighted
    from stepwell.data.pictures import (
        channel_statistics,
        normalised,
        read_picture,
        read_pictures,
        scaled,
        unnormalised,
    )
    from stepwell.data.splits import (
        Split,
        Splits,
        split_by_time,
        split_fixed,
        split_grouped,
        split_random,
        split_stratified,
    )
    from stepwell.data.unpaired import Unpaired
    from stepwell.data.volumes import Volume, read_volume

__all__ = [
    "ArraySource",
    "Balanced",
    "Batch",
    "HDF5Source",
    "Leak",
    "Loader",
    "MemmapSource",
    "Noise",
    "Sequential",
    "Shuffled",
    "Source",
    "Split",
    "Splits",
    "Subset",
    "TorchShuffled",
    "TorchWeighted",
    "Transformed",
    "Unpaired",
    "Volume",
    "Weighted",
    "as_source",
    "channel_statistics",
    "normalised",
    "read_libsvm",
    "read_picture",
    "read_pictures",
    "read_volume",
    "scaled",
    "shared_rows",
    "split_by_time",
    "split_fixed",
    "split_grouped",
    "split_random",
    "split_stratified",
    "unnormalised",
    "whole",
]

__getattr__ = names_of(
    __name__,
    {
        "stepwell.data.arrays": ("ArraySource", "Noise", "Subset", "Transformed", "as_source"),
        "stepwell.data.batch": ("Batch", "Source", "whole"),
        "stepwell.data.hdf5": ("HDF5Source",),
        "stepwell.data.leaks": ("Leak", "shared_rows"),
        "stepwell.data.libsvm": ("read_libsvm",),
        "stepwell.data.loader": ("Loader",),
        "stepwell.data.memmap": ("MemmapSource",),
        "stepwell.data.orders": ("Balanced", "Sequential", "Shuffled", "TorchShuffled", "TorchWeighted", "Weighted"),
        "stepwell.data.pictures": (
            "channel_statistics",
            "normalised",
            "read_picture",
            "read_pictures",
            "scaled",
            "unnormalised",
        ),
        "stepwell.data.splits": (
            "Split",
            "Splits",
            "split_by_time",
            "split_fixed",
            "split_grouped",
            "split_random",
            "split_stratified",
        ),
        "stepwell.data.volumes": ("Volume", "read_volume"),
        "stepwell.data.unpaired": ("Unpaired",),
    },
)
