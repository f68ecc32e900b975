"""Sets of tools that steps ask for: what they are called in nivis.lock, and which of them are locked already.

Apart from resolving them (``roots.py``), since an unchanged project only needs this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from nivis.lock.model import DebianPackage, Root

FORMAT = 1  # of resolving: raise it when equal tools should be resolved anew


def root_key(tools: Iterable[str]) -> str:
    """Return what a set of tools is called: the names, sorted."""
    return " ".join(sorted(set(tools)))


def root_request(suite: str, system: str, key: str) -> str:
    """Return a digest of everything that a root follows from, apart from what is on the mirror."""
    return hashlib.sha256(json.dumps([FORMAT, suite, system, key]).encode()).hexdigest()


def current(roots: Mapping[str, Root], suite: str, system: str) -> dict[str, Root]:
    """Return the roots that are of this suite and system."""
    return {key: root for key, root in roots.items() if root.request == root_request(suite, system, key)}


def used(debs: Mapping[str, DebianPackage], roots: Mapping[str, Root]) -> dict[str, DebianPackage]:
    """Return the packages that some root consists of."""
    names = {name for root in roots.values() for name in root.packages}
    return {name: package for name, package in sorted(debs.items()) if name in names}
