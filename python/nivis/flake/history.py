"""What commits hold, read without checking anything out. Paths are relative to the project's root."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nivis.errors import UsageError
from nivis.flake.git import answer

EXECUTABLE = "100755"
LINK = "120000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a commit: its mode, and the name of its content."""

    mode: str
    blob: str


def commit_of(root: Path, revision: str) -> str:
    """Return the full name of a commit; raises UsageError if there is none of that name."""
    found = answer(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"])
    if found is None:
        raise UsageError(f"there is no commit '{revision}'", hint="`git log --oneline` lists commits.")
    return found.decode().strip()


def fork_of(root: Path, one: str, other: str) -> str:
    """Return the commit at which two others parted."""
    found = answer(root, ["merge-base", one, other])
    if found is None:
        raise UsageError(f"commits {one[:10]} and {other[:10]} have no ancestor in common", hint="Write A..B.")
    return found.decode().strip()


def tree_of(root: Path, commit: str) -> dict[str, Entry]:
    """Return the files below the root, by path."""
    listed = answer(root, ["ls-tree", "-r", "-z", commit]) or b""
    found = {}
    for line in listed.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, kind, blob = about.decode().split()
        if kind == "blob":
            found[os.fsdecode(path)] = Entry(mode, blob)
    return found


def blobs(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return contents by name; what git does not have is left out."""
    wanted = sorted(set(names))
    given = answer(root, ["cat-file", "--batch"], stdin="".join(f"{name}\n" for name in wanted).encode()) or b""
    return dict(_contents(given)) if wanted else {}


def _contents(given: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(given):
        end = given.index(b"\n", at)
        name, kind, *size = given[at:end].decode().split()
        at = end + 1
        if kind != "missing":
            length = int(size[0])
            yield name, given[at : at + length]
            at += length + 1


def past_of(root: Path, path: str, *, commits: int = 100) -> list[Entry]:
    """Return what a file was in the last commits that changed it, the latest first."""
    arguments = ["log", f"--max-count={commits}", "--format=", "--raw", "--no-abbrev", "--no-renames", "-z", "--", path]
    said = answer(root, arguments) or b""
    found: dict[Entry, None] = {}
    for line in said.split(b"\0"):
        if line.strip().startswith(b":"):
            before, after, old, new, _ = line.strip().decode().lstrip(":").split()
            found |= {Entry(mode, blob): None for mode, blob in ((after, new), (before, old)) if mode != "000000"}
    return list(found)
