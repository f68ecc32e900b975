"""Where this machine gets data from, as lock/data.py wants to know it."""

from __future__ import annotations

import os

from nivis.engine.workspace import Workspace
from nivis.lock.archive import Release
from nivis.lock.data import Sources
from nivis.lock.model import LockedData
from nivis.nix.store import fixed_output_path


def store_path(entry: LockedData) -> str:
    """Return where the content of a data set is, or will be, in the store."""
    return fixed_output_path(entry.name, flat_sha256_hex=entry.sha256, tree_sri=entry.tree)


def data_sources(workspace: Workspace) -> Sources:
    """Return the machine's caches, indexes and registries; they are asked only when something has to be found."""

    def python(package: str, version: str) -> Release:
        # packaging and the HTTP client: only where a package has to be found
        from nivis.engine.indexes import page_reader
        from nivis.fetch.mirrors import python_indexes
        from nivis.lock.release import find_python_release

        indexes = python_indexes(workspace.environ)
        return find_python_release(package, version, indexes=indexes, read=page_reader(workspace))

    def npm(package: str, version: str) -> Release:
        from nivis.engine.indexes import page_reader
        from nivis.fetch.mirrors import npm_registry
        from nivis.lock.release import find_npm_release

        registry = npm_registry(workspace.environ, workspace.project.root)
        return find_npm_release(package, version, registry=registry, read=page_reader(workspace))

    def stored(entry: LockedData) -> bool:
        # What was pinned is brought when a build needs it; only a file of the project has no other place to come from.
        return "path" not in entry.origin or os.path.lexists(store_path(entry))

    return Sources(
        cache=workspace.cache,
        stats=workspace.stats,
        listener=workspace.listener,
        find_release={"pypi": python, "npm": npm},
        stored=stored,
        offline=workspace.offline,
        urls=workspace.project.urls,
    )
