"""What a machine has to give to steps: cores, memory, GPUs.

Memory is that of the machine, or of the control group that this process is in, whichever is less (cgroups(7)).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_GPU = re.compile(r"nvidia\d+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What all steps that run at one time may use together."""

    cores: int
    memory: int  # bytes
    gpus: tuple[str, ...] = ()  # device files, or numbers where there are none to be given


def machine_limits(*, cores: int | None = None, memory: int | None = None, gpus: int | None = None) -> Limits:
    """Return what this machine has, or what is asked for instead."""
    devices = gpu_devices()
    if gpus is not None:
        devices = (devices + tuple(str(number) for number in range(len(devices), gpus)))[:gpus]
    return Limits(
        cores=cores or len(os.sched_getaffinity(0)),
        memory=memory or machine_memory(),
        gpus=devices,
    )


def gpu_devices(folder: Path = Path("/dev")) -> tuple[str, ...]:
    """Return the device files of this machine's GPUs."""
    try:
        return tuple(sorted(str(path) for path in folder.iterdir() if _GPU.match(path.name)))
    except OSError:
        return ()


def machine_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process and its children may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([total, *_group_limits(root)])


def _group_limits(root: Path) -> list[int]:
    found = []
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        unified = controllers == ""
        if not unified and "memory" not in controllers.split(","):
            continue
        base, name = ("sys/fs/cgroup", "memory.max") if unified else ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        folder = Path(group.lstrip("/"))
        for level in (folder, *folder.parents):  # a limit of any group above holds as well
            try:
                text = (root / base / level / name).read_text().strip()
            except OSError:
                continue
            if text.isdigit():
                found.append(int(text))
    return found
