"""The functions of a builder in lib/, which Nix runs as a program."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from support.project import REPOSITORY


def builder(path: str) -> ModuleType:
    """Import ``lib/path``, one that does nothing when it is imported."""
    spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), REPOSITORY / "lib" / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
