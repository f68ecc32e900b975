"""Where the files that ship with nivis are: lib/ (Nix) and templates/ (projects to start from).

In a wheel they lie in ``nivis/share``; in a checkout (also an editable install) at the top of the repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path, PurePosixPath

from nivis.errors import HostError

LEFT_OUT = ("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache")


def resource_folder(name: str) -> Path:
    """Return the folder ``lib`` or ``templates``; raises HostError if this installation lacks it."""
    package = Path(str(files("nivis")))
    for folder in (package / "share" / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise HostError(
        f"this installation of nivis has no '{name}' folder", where=str(package), hint="Install nivis again."
    )


def read_tree(folder: Path) -> Mapping[PurePosixPath, bytes]:
    """Return the content of every file below ``folder``, by relative path, sorted; caches are left out."""
    found = {
        PurePosixPath(path.relative_to(folder).as_posix()): path
        for path in folder.rglob("*")
        if path.is_file() and not any(part in LEFT_OUT for part in path.parts)
    }
    return {relative: found[relative].read_bytes() for relative in sorted(found)}
