"""Bring nivis.lock, the plans and the generated files up to date with what the project says.

Only what has to change changes: the toolchain stays as it was locked until its settings change or an update is asked
for; wheels of an unchanged lock file are not looked up again; unchanged data is not read again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from nivis.engine.notebooks import lacking
from nivis.engine.sources import data_sources, store_path
from nivis.engine.tools import lock_tools
from nivis.engine.workspace import Workspace
from nivis.errors import LockError, ManifestError, NivisError, UsageError, did_you_mean, raise_all
from nivis.flake.generate import PLANS, generated, outdated, write_files
from nivis.flake.git import added_note, intend_to_add, require_work_tree
from nivis.flake.resources import read_tree, resource_folder
from nivis.lock.data import lock_data
from nivis.lock.digest import Listing
from nivis.lock.file import NAME, dumps, read_lock
from nivis.lock.hashes import hashes_text
from nivis.lock.model import Lock, LockedData, PythonEnvironment, Toolchain, Wheel
from nivis.lock.python.tables import WHEELS, request
from nivis.manifest.discover import load_experiments
from nivis.manifest.model import Experiment, TableTest
from nivis.manifest.params import variants
from nivis.plan.build import build_plan
from nivis.plan.files import Files
from nivis.plan.instances import Plan, reading

SYSTEM = "x86_64-linux"
PARTS = ("toolchain", "python", "data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A project whose files agree with each other."""

    lock: Lock
    experiments: Mapping[str, Experiment]
    plans: Mapping[str, Plan]  # of ``experiments``, as they are and with each of their profiles
    changed: tuple[PurePosixPath, ...]  # files that were written or removed
    files: Files  # as they were planned from


def lock_project(
    workspace: Workspace,
    *,
    only: Collection[str] | None = None,
    update: Collection[str] = (),
    dry_run: bool = False,
    check: bool = False,
) -> Locked:
    """Lock what is not locked and write what changed; ``only`` leaves other experiments as they are.

    ``update``: "toolchain", "python", "data" or "data.NAME". With ``dry_run`` nothing is written, with ``check`` it
    is a LockError if something had to be.
    Problems of independent parts are raised together; the project's files are written last, or not at all.
    """
    require_work_tree(workspace.project.root)
    old = read_lock(workspace.project.root)
    experiments = load_experiments(workspace.project, only)
    _check_update(update, experiments)
    digests = _digests(workspace)
    same = old is not None and dict(old.files) == digests
    toolchain = _toolchain(workspace, old, same, update)
    data = _data(workspace, experiments, old, update, complete=only is None)
    python = _python(workspace, toolchain, old, same, update)
    tables = _tables(workspace, experiments, old, complete=only is None)
    tools = lock_tools(workspace, experiments, old, update, system=SYSTEM, complete=only is None)
    lock = Lock(
        system=SYSTEM,
        source=tuple(str(folder) for folder in workspace.project.source),
        files=digests,
        toolchain=toolchain,
        python=python,
        tables=tables,
        data=data,
        debs=tools.debs,
        roots=tools.roots,
    )
    raise_all(lacking(workspace, experiments, python))
    seen = Files(workspace.project.root)
    plans = _plans(workspace, experiments, lock, seen)
    files = {} if dry_run else _files(workspace, lock, experiments, plans, complete=only is None)
    if check and (changes := outdated(workspace.project.root, files)):
        stale = [str(path) for path in (*changes.written, *changes.removed)]
        more = f" and {len(stale) - 3} more" if len(stale) > 3 else ""
        raise LockError("out of date", where=f"{', '.join(stale[:3])}{more}", hint="Run `nivis lock`.")
    changed = _write(workspace, files, plans) if files else ()
    return Locked(lock=lock, experiments=experiments, plans=plans, changed=changed, files=seen)


def _check_update(update: Collection[str], experiments: Mapping[str, Experiment]) -> None:
    known = {*PARTS, *(f"data.{name}" for experiment in experiments.values() for name in experiment.data)}
    raise_all(
        [
            UsageError(f"nothing named '{part}' is locked", where="--update", hint=did_you_mean(part, known))
            for part in sorted(set(update) - known)
        ]
    )


def _digests(workspace: Workspace) -> dict[str, str]:
    """Return the hashes of the files whose change makes the lock stale."""
    project = workspace.project
    names = ["pyproject.toml", *([project.lock_file] if project.lock_file else [])]
    return {name: sha256((project.root / name).read_bytes()).hexdigest() for name in names}


def _toolchain(workspace: Workspace, old: Lock | None, same: bool, update: Collection[str]) -> Toolchain:
    if old is not None and same and "toolchain" not in update:
        return old.toolchain
    # python-debian and the resolver: only where a toolchain may have to be resolved
    from nivis.fetch.mirrors import debian_mirrors
    from nivis.lock.debian.index import DAY
    from nivis.lock.debian.toolchain import lock_toolchain
    from nivis.lock.debian.toolchain import request as toolchain_request

    settings = workspace.project.toolchain
    if settings.kind != "debian":
        raise ManifestError(
            f"nivis cannot lock a toolchain of kind '{settings.kind}' yet",
            where="pyproject.toml: tool.nivis.toolchain.kind",
            hint='Write kind = "debian", or call lib/ with a lock of your own.',
        )
    if old is not None and "toolchain" not in update and old.toolchain.request == toolchain_request(settings, SYSTEM):
        return old.toolchain
    return lock_toolchain(
        settings,
        SYSTEM,
        cache=workspace.cache,
        mirrors=debian_mirrors(workspace.environ, settings.mirror),
        listener=workspace.listener,
        offline=workspace.offline,
        max_age=0.0 if "toolchain" in update else DAY,
    )


def _python(
    workspace: Workspace, toolchain: Toolchain, old: Lock | None, same: bool, update: Collection[str]
) -> PythonEnvironment:
    if old is not None and old.python is not None and same and "python" not in update:
        before = old.toolchain
        if (before.python, before.libc) == (toolchain.python, toolchain.libc):
            return old.python
    # packaging and the readers of lock files: only where one changed
    from nivis.engine.indexes import page_reader
    from nivis.fetch.mirrors import python_indexes
    from nivis.lock.python.environment import lock_python
    from nivis.lock.python.target import Target

    known = old.python.wheels if old is not None and old.python is not None and "python" not in update else ()
    target = Target(python=toolchain.python, libc=toolchain.libc, system=SYSTEM)
    task = workspace.project.lock_file or "pyproject.toml"
    workspace.listener.begin(task, "read")  # looking up URLs takes seconds
    try:
        indexes = python_indexes(workspace.environ)
        return lock_python(workspace.project, target, indexes=indexes, read=page_reader(workspace), known=known)
    finally:
        workspace.listener.end(task)


def _tables(
    workspace: Workspace, experiments: Mapping[str, Experiment], old: Lock | None, *, complete: bool
) -> PythonEnvironment | None:
    """Lock what tables are tested with, where an experiment has rules for one (``complete``: these are all)."""
    before = old.tables if old is not None else None
    used = any(isinstance(check.test, TableTest) for e in experiments.values() for check in e.checks.values())
    if not used:
        return None if complete else before
    asked = request(urls=workspace.project.urls)
    if before is not None and before.request == asked:
        return before
    wheels: tuple[Wheel, ...] = WHEELS
    if workspace.project.urls:
        # packaging: only where it is not locked yet
        from nivis.engine.indexes import page_reader
        from nivis.fetch.mirrors import python_indexes
        from nivis.lock.python.environment import with_urls

        wheels = with_urls(WHEELS, indexes=python_indexes(workspace.environ), read=page_reader(workspace))
    return PythonEnvironment(request=asked, wheels=wheels)


def _data(
    workspace: Workspace,
    experiments: Mapping[str, Experiment],
    old: Lock | None,
    update: Collection[str],
    *,
    complete: bool,
) -> dict[str, LockedData]:
    """Lock the data of ``experiments``; ``complete`` drops what no experiment names any more."""
    before = old.data if old is not None else {}
    sources = data_sources(workspace)
    root = workspace.project.root
    kept = {} if complete else {key: entry for key, entry in before.items() if key.partition("/")[0] not in experiments}
    problems: list[NivisError] = []
    for experiment in experiments.values():
        for data in experiment.data.values():
            key = f"{experiment.name}/{data.name}"
            renew = "data" in update or f"data.{data.name}" in update
            try:
                kept[key] = lock_data(experiment, data, before.get(key), root=root, sources=sources, update=renew)
            except NivisError as error:
                problems.extend(error.parts())
    raise_all(problems)
    return dict(sorted(kept.items()))


def _plans(workspace: Workspace, experiments: Mapping[str, Experiment], lock: Lock, files: Files) -> dict[str, Plan]:
    problems: list[NivisError] = []
    plans: dict[str, Plan] = {}
    for name, experiment in experiments.items():
        data = {key: lock.data[f"{name}/{key}"] for key in experiment.data}
        for variant in variants(experiment):
            try:
                plans[variant.variant] = build_plan(workspace.project, variant, data, files)
            except NivisError as error:
                problems.extend(error.parts())
                break  # profiles have the same problems
    raise_all(problems)
    return plans


def _files(
    workspace: Workspace,
    lock: Lock,
    experiments: Mapping[str, Experiment],
    plans: Mapping[str, Plan],
    *,
    complete: bool,
) -> dict[PurePosixPath, bytes]:
    """Return every file that nivis writes, as it is to be."""
    root = workspace.project.root
    others = {} if complete else _other_plans(workspace, experiments)
    files = generated(workspace.project, {**others, **plans}, read_tree(resource_folder("lib")))
    files[PurePosixPath(NAME)] = dumps(lock).encode()
    for name, experiment in experiments.items():
        entries = {key: lock.data[f"{name}/{key}"] for key in experiment.data}
        listing = functools.partial(_listing, workspace, root, entries)
        files[experiment.folder / "hashes.txt"] = hashes_text(entries, store_path=store_path, listing=listing)
    return files


def _listing(workspace: Workspace, root: Path, entries: Mapping[str, LockedData], path: Path) -> Listing:
    """List a folder's files, from the store where the project's own copy is gone."""
    if (root / path).exists():
        return workspace.stats.listing(root / path)
    stored = next(store_path(entry) for entry in entries.values() if entry.origin.get("path") == str(path))
    return workspace.stats.listing(Path(stored))


def _write(
    workspace: Workspace, files: Mapping[PurePosixPath, bytes], plans: Mapping[str, Plan]
) -> tuple[PurePosixPath, ...]:
    root = workspace.project.root
    changes = write_files(root, files)
    new = intend_to_add(root, [*files, *_read_by_builds(workspace, plans)])
    if new:
        workspace.listener.note(added_note(new))
    return (*changes.written, *changes.removed)


def _other_plans(workspace: Workspace, experiments: Mapping[str, Experiment]) -> dict[str, Plan]:
    """Return the plans of other experiments, as they are written."""
    folder = workspace.project.root / PLANS
    files = folder.glob("*.json") if folder.is_dir() else ()
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
    return {name: plan for name, plan in found.items() if plan["name"] not in experiments}


def _read_by_builds(workspace: Workspace, plans: Mapping[str, Plan]) -> Iterator[PurePosixPath]:
    """Yield the project's own files that a build of the flake reads."""
    yield from (PurePosixPath(name) for name in _digests(workspace))
    for plan in plans.values():
        yield PurePosixPath(str(plan["folder"])) / "experiment.toml"
        files = {file for step in reading(plan) for file in (*step["files"], *step.get("links", ()))}
        yield from (PurePosixPath(file) for file in sorted(files))
