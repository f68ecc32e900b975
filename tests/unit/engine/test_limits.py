"""What a machine has to give, on machines that are only folders."""

from pathlib import Path

import pytest

from nivis.engine.limits import gpu_devices, machine_limits, machine_memory

GIB = 1 << 30


def unified(root: Path, **limits: str) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("0::/user/session\n")
    for level, text in limits.items():
        folder = root / "sys/fs/cgroup" / {"top": "", "user": "user", "session": "user/session"}[level]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{text}\n")
    return root


def test_the_machine_where_there_are_no_groups(tmp_path: Path) -> None:
    assert machine_memory(tmp_path) == machine_memory(unified(tmp_path, top="max", user="max", session="max"))
    assert machine_memory(tmp_path) > 100 << 20


@pytest.mark.parametrize(
    "limits", [{"session": "1000000"}, {"user": "1000000", "session": "max"}, {"top": "1000000", "user": "2000000"}]
)
def test_the_least_of_all_groups_above(tmp_path: Path, limits: dict[str, str]) -> None:
    assert machine_memory(unified(tmp_path, **limits)) == 1_000_000


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("9:cpu,cpuacct:/a\n5:memory:/jobs/7\n1:name=systemd:/x\n")
    folder = tmp_path / "sys/fs/cgroup/memory/jobs/7"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("3000000\n")
    assert machine_memory(tmp_path) == 3_000_000


def test_gpus(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).write_text("")
    assert gpu_devices(tmp_path) == (f"{tmp_path}/nvidia0", f"{tmp_path}/nvidia1")
    assert gpu_devices(tmp_path / "none") == ()


def test_what_is_asked_for_instead() -> None:
    limits = machine_limits(cores=3, memory=5 * GIB, gpus=2)
    assert (limits.cores, limits.memory, len(limits.gpus)) == (3, 5 * GIB, 2)
    assert machine_limits(gpus=0).gpus == ()
    own = machine_limits()
    assert own.cores >= 1
    assert own.memory > 100 << 20
