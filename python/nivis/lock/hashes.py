r"""hashes.txt: the sha256 of an experiment's inputs, as ``sha256sum -c`` reads it from the project's root.

Data in the project stands with its path (a folder with every regular file in it), data from elsewhere with its
path in the Nix store, below a comment that names its origin. GNU's escape: where a name has a backslash, line feed
or carriage return, the line begins with a backslash and the name has ``\\``, ``\n``, ``\r`` instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from nivis.lock.digest import Listing
from nivis.lock.model import LockedData

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


def hashes_text(
    data: Mapping[str, LockedData], *, store_path: Callable[[LockedData], str], listing: Callable[[Path], Listing]
) -> bytes:
    """Return the content of hashes.txt for data sets by name.

    ``listing`` returns the hashes of a folder given as in the manifest (StatCache.listing below the root); a folder
    that is not on this machine is listed by the caller from what was there before, or raises FileNotFoundError.
    """
    lines = [line for name, entry in sorted(data.items()) for line in _entry(name, entry, store_path, listing)]
    return b"".join(os.fsencode(line) + b"\n" for line in lines)


def line(sha256: str, name: str) -> str:
    """Return one line, without its end."""
    escaped = name.translate(_ESCAPES)
    return f"{chr(92) if escaped != name else ''}{sha256}  {escaped}"


def _entry(
    name: str, entry: LockedData, store_path: Callable[[LockedData], str], listing: Callable[[Path], Listing]
) -> Iterator[str]:
    path = entry.origin.get("path")
    if path is None:
        origin = " ".join(value for _, value in sorted(entry.origin.items(), key=lambda pair: pair[0] == "file"))
        yield f"# data.{name}: {origin}".translate(_ESCAPES)
        yield line(entry.sha256 or "", store_path(entry))
    elif entry.tree is None:
        yield line(entry.sha256 or "", path)
    else:
        for below, sha256 in listing(Path(path)):
            yield line(sha256, str(PurePosixPath(path) / below))
