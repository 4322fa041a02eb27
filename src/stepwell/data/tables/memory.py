"""Whether a table fits into memory, before it is read: what it needs, by a sample of it, and what there is."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from stepwell.core.errors import DataError

LIMIT = "STEPWELL_MEMORY"
"""The environment variable that sets the memory to count with, such as `512MB` or `4GB`."""

_WORKING = 2**26  # what Python and polars take themselves
_ENCODED = 1.5  # a column of 8 bytes a value becomes one of 4 bytes more for the model


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that this process may still take: what `STEPWELL_MEMORY` says, or else the least of what the system has left
    and what its control groups (version 1 or 2) leave it. `root` is where `proc` and `sys` are found.
    """
    said = os.environ.get(LIMIT)
    if said:
        return _bytes(said)
    return min([_system(root), *_groups(root)])


def refuse_too_large(path: Path, need: Mapping[str, float], working: int, available: int) -> None:
    """Raise `DataError` where columns that take `need` bytes each, encoded for a model as well, do not fit `available`.

    `working` are bytes that are needed while reading only.
    """
    total = int(_ENCODED * sum(need.values())) + working + _WORKING
    if total <= available:
        return
    largest = sorted(need, key=lambda name: need[name], reverse=True)[:3]
    shown = ", ".join(f"{name!r} {human(_ENCODED * need[name])}" for name in largest)
    columns = f"its {len(need)} columns" if len(need) > 1 else "its column"
    raise DataError(
        f"{path} ({human(path.stat().st_size)}) needs about {human(total)} of memory for {columns}, and {human(available)} are "
        f"available. Read fewer columns (columns=…; the largest are {shown}), take a part of the rows ({_part(path)}), or use a "
        f"machine with more memory."
    )


def _part(path: Path) -> str:
    if path.suffix == ".parquet":
        return "polars.scan_parquet(file).head(1_000_000).sink_parquet(…)"
    head = f"zcat {path.name} | head -n 1000001" if path.suffix == ".gz" else f"head -n 1000001 {path.name}"
    whole = "polars.scan_csv(file).sink_parquet(…)"
    return f"{head} > part.csv; or all of them as Parquet, of which columns are read faster: {whole}"


def human(count: float) -> str:
    """Bytes as people write them: `1.3 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _bytes(said: str) -> int:
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*([KMGT]?)B?\s*", said, re.IGNORECASE)
    if found is None:
        raise DataError(f"{LIMIT} is {said!r}. A number of bytes is expected, such as 512MB or 4GB.")
    return int(float(found[1]) * 1000 ** " KMGT".index(found[2].upper() or " "))


def _system(root: Path) -> int:
    """Available memory as Linux estimates it; where there is no /proc/meminfo, all pages of the machine."""
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups(root: Path) -> list[int]:
    """What each control group that this process is in leaves it, from its own up to the outermost."""
    left = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.strip().split(":", 2)
        if controllers in ("", "memory"):
            home = root / ("sys/fs/cgroup/memory" if controllers else "sys/fs/cgroup")
            names = (
                ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
            )
            folder = home / path.lstrip("/")
            left += [_left(place, *names) for place in (folder, *folder.parents) if place.is_relative_to(home)]
    return [bytes_left for bytes_left in left if bytes_left is not None]


def _left(group: Path, limit: str, usage: str) -> int | None:
    """A group's limit less what it holds, files that it can give up not counted; None without a limit."""
    most, used = _first(group / limit), _first(group / usage)
    if most is None or used is None:
        return None
    files = [line.split()[1] for line in _lines(group / "memory.stat") if line.split()[0] in _INACTIVE]
    return max(0, most - max(0, used - max(map(int, files), default=0)))


_INACTIVE = ("inactive_file", "total_inactive_file")


def _first(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return ()
