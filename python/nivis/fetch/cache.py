"""The download cache: finished files by their sha256, unfinished ones by what they will be.

Layout below the cache folder::

    downloads/<first two hex digits>/<sha256>   finished, verified, never changed
    partial/<digest>                            unfinished, and beside it <digest>.from: URL and validator
    pages/<digest>                              small index pages, by URL; their age is the file's age
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache folder; it need not exist yet."""

    folder: Path

    def stored(self, sha256: str) -> Path:
        """Return where the file with this hash is, or will be."""
        return self.folder / "downloads" / sha256[:2] / sha256

    def find(self, sha256: str) -> Path | None:
        """Return the finished file with this hash if it is there; the content is checked, a spoilt file removed."""
        path = self.stored(sha256)
        try:
            found, _ = hash_file(path)
        except OSError:
            return None
        if found == sha256:
            return path
        path.unlink(missing_ok=True)
        return None

    def partial(self, url: str, sha256: str | None) -> Path:
        """Return where an unfinished download is kept; with a known hash every mirror goes on with the same file."""
        return self.folder / "partial" / _digest(sha256 or url)

    def page(self, url: str, accept: str = "") -> Path:
        """Return where the page behind ``url`` is kept."""
        return self.folder / "pages" / _digest(f"{accept} {url}")


def default_cache(environ: Mapping[str, str]) -> Cache:
    """Return the user's cache: $NIVIS_CACHE, $XDG_CACHE_HOME/nivis or ~/.cache/nivis."""
    if own := environ.get("NIVIS_CACHE"):
        return Cache(Path(own).expanduser().absolute())
    if xdg := environ.get("XDG_CACHE_HOME"):
        return Cache(Path(xdg).absolute() / "nivis")
    home = environ.get("HOME")
    return Cache((Path(home) if home else Path.home()) / ".cache" / "nivis")


def hash_file(path: Path) -> tuple[str, int]:
    """Return sha256 (hex) and size in bytes of a file, read in chunks."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(CHUNK)
        view = memoryview(buffer)
        while count := file.readinto(buffer):
            digest.update(view[:count])
            size += count
    return digest.hexdigest(), size


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
