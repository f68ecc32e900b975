"""Tell quickly whether anything that a plan depends on in the project has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from nivis.plan.files import Files
from nivis.plan.instances import reading
from nivis.plan.steps import canonical


def source_digest(plan: Mapping[str, object], files: Files) -> str:
    """Return a hexadecimal sha256 over the plan, which has what links point to, and the content of its steps' files."""
    digest = hashlib.sha256(canonical(plan).encode())
    for path in sorted({path for step in reading(plan) for path in step["files"]}):
        digest.update(f"{path}\0{files.sha256(path)}\0".encode())
    return digest.hexdigest()
