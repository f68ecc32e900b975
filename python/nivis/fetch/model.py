"""What is to be downloaded, and what has been: apart from the downloading, which is slow to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file that is wanted."""

    name: str  # for people: a file name
    urls: tuple[str, ...]  # tried in turn: http, https, file
    sha256: str | None = None  # lower-case hex; None: trust what comes
    size: int | None = None  # bytes, if known


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One file that is there: in the cache, or where its file:// URL says."""

    path: Path
    sha256: str
    size: int
