"""What the three kinds of lock files have in common: packages with files to choose from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedFile:
    """One file that a lock file offers for a package."""

    name: str  # file name
    sha256: str | None  # lower-case hex; None where the lock has no sha256
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One package that is to be installed for the target."""

    name: str  # normalised
    version: str  # "" where the lock does not say (a folder)
    files: tuple[LockedFile, ...] = ()
    index: str | None = None  # index that the lock names for it, beside the machine's own
    origin: str | None = None  # "the git repository …": set where there is no published file
