"""The data sets of a plan: what the manifest declares, pinned as nivis.lock has it."""

from __future__ import annotations

from collections.abc import Mapping

from nivis.errors import LockError, NivisError
from nivis.lock.model import LockedData
from nivis.manifest.model import Data, Experiment, PackageData, UrlData
from nivis.manifest.origin import origin_record


def plan_data(
    experiment: Experiment,
    locked: Mapping[str, LockedData],
    problems: list[tuple[tuple[str, ...], str, NivisError]],
) -> dict[str, object]:
    """Return the plan's ``data``; what is not locked as declared is noted in ``problems`` (LockError)."""
    planned: dict[str, object] = {}
    for name, data in sorted(experiment.data.items()):
        entry = locked.get(name)
        fault = "not locked yet" if entry is None else _difference(data, entry)
        if fault or entry is None:
            problems.append((("data", name), "", LockError(fault, hint="Run 'nivis lock'.")))
            continue
        planned[name] = _entry(data, entry)
    return planned


def _difference(data: Data, entry: LockedData) -> str:
    if dict(entry.origin) != origin_record(data.origin):
        return "comes from elsewhere than what is locked"
    if data.sha256 and entry.sha256 and data.sha256 != entry.sha256:
        return f"must have sha256 {data.sha256}, but {entry.sha256} is locked"
    return ""


def _entry(data: Data, entry: LockedData) -> dict[str, object]:
    planned: dict[str, object] = {"name": entry.name, "origin": dict(entry.origin)}
    if entry.tree is not None:
        planned["tree"] = entry.tree
    else:
        planned["sha256"] = entry.sha256
    if isinstance(data.origin, UrlData):
        planned["url"] = data.origin.url
    if isinstance(data.origin, PackageData):
        planned["member"] = data.origin.file
        if entry.archive is not None:
            archive = {"registry": entry.archive.registry, "file": entry.archive.file, "sha256": entry.archive.sha256}
            planned["archive"] = archive if entry.archive.url is None else {**archive, "url": entry.archive.url}
    return planned
