"""Where recipes are read from: the project as it lies there, or one of its commits."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nivis.engine.locking import Locked
from nivis.engine.recipes.recipe import Handed, Recipe, describe, identity_of, identity_of_file, stored_file, world_of
from nivis.engine.workspace import Workspace
from nivis.errors import UsageError
from nivis.flake.generate import LIBRARY, PLANS
from nivis.flake.history import EXECUTABLE, Entry, blobs, commit_of, past_of, tree_of
from nivis.flake.resources import read_tree, resource_folder
from nivis.lock.file import NAME, loads
from nivis.nix.store import fixed_output_path
from nivis.plan.instances import Plan, reading

MOST_TEXT = 1 << 20  # bytes: what is larger is not compared line by line

Listing = Mapping[str, str]  # sha256 by path below a folder


class Place(Protocol):
    """A state of the project."""

    @property
    def name(self) -> str:
        """Return what people call it."""

    def recipes(self, experiment: str, handed: Handed) -> Mapping[str, Recipe]:
        """Return the recipes of an experiment's steps; raises UsageError if it is not there."""

    def content(self, path: str, file_id: str) -> bytes | None:
        """Return the content that a file had; None where it cannot be found."""

    def listing(self, experiment: str, data: str, described: str) -> Listing | None:
        """Return the files of a folder of data; None where they are not known."""


def read_library() -> dict[str, bytes]:
    """Return the Nix library of this nivis."""
    return {str(path): content for path, content in read_tree(resource_folder("lib")).items()}


@dataclass(frozen=True, kw_only=True)
class Present:
    """The project as it is, and what it was when it was built: that is found in the store, or in git."""

    workspace: Workspace
    locked: Locked
    name: str = "now"

    def recipes(self, experiment: str, handed: Handed) -> Mapping[str, Recipe]:
        """Return the recipes of an experiment's steps."""
        world = world_of(self.locked.lock, read_library())
        return describe(self.locked.plans[experiment], world, self._identify, handed)

    @functools.cached_property
    def _identities(self) -> dict[str, str]:
        return {}

    def _identify(self, path: str) -> str:
        if path not in self._identities:
            self._identities[path] = identity_of_file(path, self.workspace.project.root / path)
        return self._identities[path]

    def content(self, path: str, file_id: str) -> bytes | None:
        """Return the content that a file has or had."""
        root = self.workspace.project.root
        for file in (Path(stored_file(path, file_id)), root / path):
            is_it = file.is_file() and (file != root / path or self._identify(path) == file_id)
            if is_it:
                return file.read_bytes() if file.stat().st_size <= MOST_TEXT else None
        return _from_past(root, path, file_id)

    def listing(self, experiment: str, data: str, described: str) -> Listing | None:
        """Return a folder's files, from the store or the project."""
        digest, _, name = described.partition(" ")
        if not digest.startswith("sha256-"):
            return None
        stored = Path(fixed_output_path(name, tree_sri=digest))
        planned = self.locked.plans[experiment]["data"].get(data, {})
        if not stored.is_dir() and planned.get("tree") == digest and "path" in planned.get("origin", {}):
            stored = self.workspace.project.root / planned["origin"]["path"]
        return dict(self.workspace.stats.listing(stored)) if stored.is_dir() else None


def _from_past(root: Path, path: str, file_id: str) -> bytes | None:
    """Look for a file's content in the commits that changed it."""
    entries = past_of(root, path)
    contents = blobs(root, [entry.blob for entry in entries])
    for entry in entries:
        content = contents.get(entry.blob)
        if content is not None and _identity(path, entry, content) == file_id:
            return content
    return None


def _identity(path: str, entry: Entry, content: bytes) -> str:
    return identity_of(path, content, executable=entry.mode == EXECUTABLE)


class Commit:
    """One commit: plans, nivis.lock and files as they were committed."""

    def __init__(self, root: Path, revision: str) -> None:
        self.root = root
        self.commit = commit_of(root, revision)
        short = self.commit[:10]
        self.name = short if self.commit.startswith(revision) else f"{revision} ({short})"
        self._tree = tree_of(root, self.commit)
        self._contents: dict[str, bytes] = {}

    def recipes(self, experiment: str, handed: Handed) -> Mapping[str, Recipe]:
        """Return the recipes of an experiment's steps."""
        library = {path: f"{LIBRARY}/{path}" for path in read_library()}
        self._load([NAME, f"{PLANS}/{experiment}.json", *library.values()])
        plan: Plan = json.loads(self._committed(f"{PLANS}/{experiment}.json"))
        lock = loads(self._committed(NAME).decode(), where=f"{NAME} of {self.name}")
        self._load(path for step in reading(plan) for path in step["files"])
        there = {path: self._contents[at] for path, at in library.items() if at in self._contents}
        return describe(plan, world_of(lock, there), self._identify, handed)

    def _load(self, paths: Iterator[str] | list[str]) -> None:
        wanted = {path: self._tree[path].blob for path in paths if path in self._tree and path not in self._contents}
        contents = blobs(self.root, wanted.values())
        self._contents.update({path: contents[blob] for path, blob in wanted.items() if blob in contents})

    def _committed(self, path: str) -> bytes:
        if path not in self._contents:
            raise UsageError(f"commit {self.name} has no {path}", hint="Compare with a commit of a locked project.")
        return self._contents[path]

    def _identify(self, path: str) -> str:
        content = self._contents.get(path)
        return "" if content is None else _identity(path, self._tree[path], content)

    def content(self, path: str, file_id: str) -> bytes | None:
        """Return the content of a file in this commit."""
        found = self._contents.get(path)
        return found if found is not None and len(found) <= MOST_TEXT and self._identify(path) == file_id else None

    def listing(self, experiment: str, data: str, described: str) -> Listing | None:
        """Return a folder's files from the hashes.txt that is committed beside the manifest."""
        plan: Plan = json.loads(self._committed(f"{PLANS}/{experiment}.json"))
        folder, top = plan["folder"], str(plan["data"].get(data, {}).get("origin", {}).get("path", "")).rstrip("/")
        self._load([f"{folder}/hashes.txt"])
        lines = self._contents.get(f"{folder}/hashes.txt", b"").decode(errors="replace").splitlines()
        pairs = [line.removeprefix("\\").partition("  ") for line in lines]
        listed = {path.removeprefix(f"{top}/"): digest for digest, _, path in pairs if path.startswith(f"{top}/")}
        return listed if top and listed else None
