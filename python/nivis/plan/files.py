"""The project's files, as the plan sees them: relative paths, every folder listed once, every file read once.

Paths are strings with ``/``, relative to the project's root, without ``.`` or ``..`` (``""`` is the root).
One ``Files`` serves one run: what it has seen it does not look up again.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from nivis.errors import ManifestError

Kind = Literal["file", "folder", "link"]

# What no tool writes for a person to read: caches, version control, editors' copies.
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})
_SKIPPED_ENDS = (".pyc", ".pyo", "~", ".swp")


def normalise(path: str) -> str | None:
    """Return ``path`` without ``.``, ``..`` and doubled slashes; None if it leaves the root or is absolute."""
    if path.startswith("/"):
        return None
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


class Files:
    """Looks into a project without looking anywhere twice."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._start = f"{root}/"
        self._digests: dict[str, str] = {}
        self._folders: dict[str, Mapping[str, Kind]] = {}
        self._contents: dict[str, bytes] = {}
        self._resolved: dict[str, tuple[str, tuple[str, ...]] | None] = {}

    def names(self, folder: str) -> Mapping[str, Kind]:
        """Return what is in a folder (links not followed); nothing if there is no such folder."""
        if folder not in self._folders:
            self._folders[folder] = self._list(folder)
        return self._folders[folder]

    def _list(self, folder: str) -> Mapping[str, Kind]:
        try:
            with os.scandir(self._start + folder) as entries:
                return {entry.name: _kind(entry) for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def resolve(self, path: str) -> tuple[str, tuple[str, ...]] | None:
        """Follow links: return the path of what is really there, and the links passed; None if nothing is there.

        ManifestError for a link that a copy of the project could not follow.
        """
        if path not in self._resolved:
            self._resolved[path] = self._follow(path)
        return self._resolved[path]

    def _follow(self, path: str) -> tuple[str, tuple[str, ...]] | None:
        folder, _, name = path.rpartition("/")
        if not name:
            return path, ()
        above = self.resolve(folder)
        kind = None if above is None else self.names(above[0]).get(name)
        if above is None or kind is None:
            return None
        real, links = f"{above[0]}/{name}".lstrip("/"), above[1]
        if kind != "link":
            return real, links
        target = str((self.root / real).readlink())
        inside = None if target.startswith("/") else normalise(f"{above[0]}/{target}".lstrip("/"))
        if inside is None:
            raise ManifestError(
                f"is a link to '{target}', which is outside the project",
                where=real,
                hint="A step sees only the project: copy the file, or declare it under [data].",
            )
        self._resolved[path] = None  # a link to itself leads nowhere
        end = self.resolve(inside)
        return None if end is None else (end[0], (*links, real, *end[1]))

    def is_file(self, path: str) -> bool:
        """Tell whether a file is there (links followed)."""
        return self._is(path, "file")

    def is_folder(self, path: str) -> bool:
        """Tell whether a folder is there (links followed)."""
        return path == "" or self._is(path, "folder")

    def _is(self, path: str, kind: Kind) -> bool:
        found = self.resolve(path)
        if found is None:
            return False
        folder, _, name = found[0].rpartition("/")
        return self.names(folder).get(name) == kind

    def link(self, path: str) -> str | None:
        """Return what a link points to, as it is written; None for anything else."""
        folder, _, name = path.rpartition("/")
        return str((self.root / path).readlink()) if self.names(folder).get(name) == "link" else None

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the files below a folder, sorted, without hidden ones, caches and editors' copies."""
        found = self.resolve(folder)
        names = self.names(found[0]) if found else {}
        for name in sorted(names):
            path = f"{folder}/{name}".lstrip("/")
            if name.startswith(".") or name.endswith(_SKIPPED_ENDS) or name in _SKIPPED_FOLDERS:
                continue
            if self.is_file(path):
                yield path
            elif names[name] == "folder":  # not a link: it may lead upwards
                yield from self.walk(path)

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def _read(self, path: str) -> bytes:
        with open(self._start + path, "rb") as stream:
            return stream.read()

    def mentions(self, path: str, text: bytes) -> bool:
        """Tell whether a file has ``text`` in it; of its content only the hash is kept."""
        content = self._contents[path] if path in self._contents else self._read(path)
        self._digests[path] = hashlib.sha256(content).hexdigest()
        return text in content

    def text(self, path: str) -> str:
        """Return the content of a file as text, with marks for what is not UTF-8."""
        return self.read(path).decode("utf-8", errors="replace")

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        return os.stat(self._start + path).st_size

    def is_executable(self, path: str) -> bool:
        """Tell whether the owner of a file may execute it."""
        return bool(os.stat(self._start + path).st_mode & stat.S_IXUSR)

    def sha256(self, path: str) -> str:
        """Return the hexadecimal sha256 of a file, read in pieces."""
        if path not in self._digests:
            with open(self._start + path, "rb") as stream:
                self._digests[path] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digests[path]


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    return "folder" if entry.is_dir() else "file"
