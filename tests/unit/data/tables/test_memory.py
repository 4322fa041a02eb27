import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.memory import available_memory, human, refuse_too_large


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.delenv("STEPWELL_MEMORY", raising=False)


def machine(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


SYSTEM = {"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    1000 kB\n"}


def test_what_the_system_has_left(tmp_path):
    assert available_memory(machine(tmp_path, SYSTEM)) == 1000 * 1024
    assert available_memory() > 2**20


def test_a_control_group_of_version_2_and_its_parents(tmp_path):
    root = machine(
        tmp_path,
        SYSTEM
        | {
            "proc/self/cgroup": "0::/box/job\n",
            "sys/fs/cgroup/box/job/memory.max": "max\n",
            "sys/fs/cgroup/box/job/memory.current": "100\n",
            "sys/fs/cgroup/box/memory.max": "900000\n",
            "sys/fs/cgroup/box/memory.current": "300000\n",
            "sys/fs/cgroup/box/memory.stat": "anon 5\ninactive_file 100000\n",
        },
    )
    assert available_memory(root) == 900_000 - (300_000 - 100_000)


def test_a_control_group_of_version_1(tmp_path):
    root = machine(
        tmp_path,
        SYSTEM
        | {
            "proc/self/cgroup": "7:cpu:/x\n4:memory:/box\n0::/\n",
            "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "500000\n",
            "sys/fs/cgroup/memory/box/memory.usage_in_bytes": "600000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        },
    )
    assert available_memory(root) == 0


def test_a_group_of_a_container_has_its_limit_at_the_root(tmp_path):
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "7000", "sys/fs/cgroup/memory.current": "2000"}
    assert available_memory(machine(tmp_path, SYSTEM | files)) == 5000


@pytest.mark.parametrize(
    ("said", "count"), [("1000", 1000), ("2kB", 2000), ("1.5 GB", 1_500_000_000), ("3m", 3_000_000)]
)
def test_what_is_said_counts(monkeypatch, said, count):
    monkeypatch.setenv("STEPWELL_MEMORY", said)
    assert available_memory() == count


@pytest.mark.parametrize("said", ["lots", "4XB", "GB", "-1GB"])
def test_what_is_said_must_be_a_size(monkeypatch, said):
    monkeypatch.setenv("STEPWELL_MEMORY", said)
    with pytest.raises(DataError, match="STEPWELL_MEMORY is .*A number of bytes is expected, such as 512MB or 4GB"):
        available_memory()


def test_a_table_that_does_not_fit(tmp_path):
    path = tmp_path / "big.csv"
    path.write_bytes(b"x" * 2000)
    refuse_too_large(path, {"a": 1e9, "b": 5e8}, 0, 3_000_000_000)
    with pytest.raises(DataError) as caught:
        refuse_too_large(path, {"a": 1e9, "b": 5e8}, 0, 2_000_000_000)
    assert str(caught.value) == (
        f"{path} (2.0 kB) needs about 2.3 GB of memory for its 2 columns, and 2.0 GB are available. Read fewer columns "
        "(columns=…; the largest are 'a' 1.5 GB, 'b' 750 MB), take a part of the rows (head -n 1000001 big.csv > part.csv; or "
        "all of them as Parquet, of which columns are read faster: polars.scan_csv(file).sink_parquet(…)), or use a machine "
        "with more memory."
    )
    with pytest.raises(DataError):
        refuse_too_large(path, {"a": 1.0}, 10**9, 10**9)


@pytest.mark.parametrize(
    ("count", "shown"), [(12, "12 bytes"), (1500, "1.5 kB"), (123_456_789, "123 MB"), (2e12, "2.0 TB")]
)
def test_sizes_for_people(count, shown):
    assert human(count) == shown
