"""The house: a room imports only rooms that come earlier, and no two modules import each other."""

from __future__ import annotations

import ast
import functools
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "python/nivis"
# The order in which data flows; errors, files and progress belong to all of them.
COMMON = ("nivis", "nivis.errors", "nivis.files", "nivis.progress")
ROOMS = ("manifest", "fetch", "lock", "plan", "graph", "flake", "nix", "engine", "cli")
MODULES = {
    ".".join(("nivis", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


@functools.cache
def imported(path: Path) -> set[str]:
    """Return the modules of this package that a module imports, wherever in it, but for those of type checkers."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {inner for node in ast.walk(tree) if _is_for_checkers(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            found.update(
                f"{module}.{alias.name}" if f"{module}.{alias.name}" in MODULES else module for alias in node.names
            )
    return {name for name in found if name in MODULES}


def _is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def place(module: str) -> int:
    """Return a module's place in the order of rooms."""
    return 0 if module in COMMON else 1 + ROOMS.index(module.split(".")[1])


def test_every_module_lies_in_a_room() -> None:
    assert {name.split(".")[1] for name in MODULES if name not in COMMON} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_rooms_that_come_earlier(module: str) -> None:
    later = sorted(name for name in imported(MODULES[module]) if place(name) > place(module))
    assert later == []


def test_no_two_modules_import_each_other() -> None:
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_few_modules_run_programs() -> None:
    users = {name for name, path in MODULES.items() if "import subprocess" in path.read_text(encoding="utf-8")}
    assert users == {
        "nivis.cli.checks",  # asks programs for their versions
        "nivis.engine.enter",  # the user's shell
        "nivis.fetch.npm",
        "nivis.fetch.pip",
        "nivis.flake.git",
        "nivis.lock.debian.signature",  # gpgv
        "nivis.nix.command",
        "nivis.nix.serve",
    }
