"""What has to be in the store before steps can run (pure): base tree, wheels, tools, data, unless what they make is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nivis.engine.inventory import Inventory
from nivis.engine.roots import missing_debs, tools_of_step
from nivis.lock.model import DebianPackage, Lock, LockedData, Wheel
from nivis.plan.instances import Plan, base_of, data_of, with_checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What has to be brought."""

    base: bool = False
    wheels: tuple[Wheel, ...] = ()
    debs: Mapping[str, DebianPackage] = field(default_factory=dict)  # by their keys in the lock
    data: Mapping[str, LockedData] = field(default_factory=dict)  # "experiment/data" -> entry

    def __bool__(self) -> bool:
        return self.base or bool(self.wheels) or bool(self.debs) or bool(self.data)


def needed(
    inventory: Inventory,
    lock: Lock,
    plans: Mapping[str, Plan],
    absent: Collection[str],
    steps: Mapping[str, Collection[str]],
    *,
    shell: bool = False,
) -> Need:
    """Return what is needed to run ``steps`` (by experiment; none: to put a result together), or for a ``shell``.

    ``absent`` are the store paths that are not valid.
    """
    data: dict[str, LockedData] = {}
    tools: set[str] = set()
    for name, wanted in steps.items():
        experiment = inventory.experiments[name]
        tools.update(tools_of_step(plans[name], step) for step in wanted)
        for data_name in sorted({one for step in wanted for one in data_of(with_checks(plans[name]), step)}):
            item = experiment.data[data_name]
            if item.out in absent and (item.archive is None or item.archive in absent):
                key = f"{plans[name]['name']}/{data_name}"
                data[key] = lock.data[key]
    building = shell or bool(steps)
    planned = [with_checks(plans[name])["steps"][base_of(step)] for name, wanted in steps.items() for step in wanted]
    environment = (shell or any("files" in one for one in planned)) and inventory.environment.out in absent
    tables = any("table" in one for one in planned) and inventory.tables is not None and inventory.tables.out in absent
    unpacked = {wheel.file: wheel.out not in absent for wheel in inventory.wheels}
    archives = {wheel.file: wheel.archive not in absent for wheel in inventory.wheels}
    sets = [lock.python if environment else None, lock.tables if tables else None]
    wheels = {wheel.file: wheel for one in sets if one is not None for wheel in one.wheels}
    toolchain = inventory.toolchain is not None and inventory.toolchain.out in absent
    return Need(
        base=building and toolchain and inventory.base in absent,
        wheels=tuple(wheel for file, wheel in wheels.items() if not unpacked[file] and not archives[file]),
        debs=missing_debs(inventory, lock, tools, absent),
        data=dict(sorted(data.items())),
    )


def given(need: Need) -> Need:
    """Return the part that plain Nix cannot fetch by itself: the base tree, files of the project, what has no URL."""
    return Need(
        base=need.base,
        wheels=tuple(wheel for wheel in need.wheels if wheel.url is None),
        debs={name: deb for name, deb in need.debs.items() if deb.url is None},
        data={
            key: entry
            for key, entry in need.data.items()
            if "path" in entry.origin or (entry.archive and entry.archive.url is None)
        },
    )
