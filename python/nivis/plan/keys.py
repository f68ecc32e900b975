"""Tell quickly whether anything that a plan depends on in the project has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from nivis.plan.build import canonical
from nivis.plan.files import Files


def source_digest(plan: Mapping[str, object], root: Path, files: Files | None = None) -> str:
    """Return a hexadecimal sha256 over the plan and the content of all files of its steps (links: their targets)."""
    files = files or Files(root)
    digest = hashlib.sha256(canonical(plan).encode())
    for path in sorted(_paths(plan)):
        link = root / path
        content = f"link {link.readlink()}" if link.is_symlink() else f"file {files.sha256(path)}"
        digest.update(f"{path}\0{content}\0".encode())
    return digest.hexdigest()


def _paths(plan: Mapping[str, object]) -> set[str]:
    steps = plan["steps"]
    return {path for step in steps.values() for path in step["files"]} if isinstance(steps, Mapping) else set()
