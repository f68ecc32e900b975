"""Find files of published packages on this machine's indexes and registries.

For what a lock names without a URL, or with the URL of a mirror that this machine cannot reach: the hash says which
file is meant, so any place will do. Imported only where that happens, since it needs packaging and the HTTP client.
"""

from __future__ import annotations

from collections.abc import Iterable

from packaging.utils import canonicalize_name

from nivis.engine.indexes import locate_files
from nivis.engine.sources import data_sources
from nivis.engine.workspace import Workspace
from nivis.lock.model import LockedData, Wheel
from nivis.manifest.origin import SEPARATORS


def locate(workspace: Workspace, wheels: Iterable[Wheel], data: Iterable[LockedData]) -> dict[str, str]:
    """Return sha256 -> URL of wheels and of the packages that data sets are in; what is nowhere is left out.

    Raises what kept indexes and registries from telling.
    """
    wanted, urls = list(wheels), {}
    for entry in data:
        archive = entry.archive
        if archive is None:
            continue
        package, _, version = entry.origin[archive.registry].rpartition(SEPARATORS[archive.registry])
        if archive.registry == "pypi":
            name = canonicalize_name(package)
            wanted.append(Wheel(name=name, version=version, file=archive.file, sha256=archive.sha256))
        else:
            urls[archive.sha256] = data_sources(workspace).find_release[archive.registry](package, version).url
    return {**urls, **(locate_files(workspace, wanted) if wanted else {})}
