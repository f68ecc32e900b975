"""This repository's own flake: the CLI as a package of its own library, from its own lock."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.project import REPOSITORY, Project, environment, locked

pytestmark = [pytest.mark.nix, pytest.mark.network, pytest.mark.xdist_group("repository")]


@pytest.fixture(scope="session")
def program(shared: Path) -> str:
    """Build the CLI from what is committed here, in a clone: the working tree stays as it is."""
    clone = Project(shared / "repository", environment())
    with locked(shared / "repository.lock"):
        if not clone.root.exists():
            clone.run(["git", "clone", "-q", "--no-hardlinks", REPOSITORY, clone.root], cwd=shared)
            clone.nivis("lock")  # the lock names no URL: this brings what plain Nix cannot find by itself
    return clone.nix_built("nivis")


def test_the_lock_is_of_this_commit(program: str, shared: Path) -> None:
    assert Project(shared / "repository").git("diff", "--stat") == ""


def test_the_package_answers(program: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    said = project.run([f"{program}/bin/nivis", "--version"], PYTHONPATH="")
    assert said.out.startswith("nivis ")


def test_the_package_makes_and_builds_a_project(program: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    nivis = f"{program}/bin/nivis"
    project.run([nivis, "init", "--template", "minimal"], PYTHONPATH="")
    project.run([nivis, "build", "squares"], PYTHONPATH="")
    installed = (tmp_path / "generated/squares").readlink()
    project.nivis("build", "squares")
    assert (tmp_path / "generated/squares").readlink() == installed


def test_the_flake_checks(program: str, shared: Path) -> None:
    project = Project(shared / "repository")
    project.nix("flake", "check")
    shown = project.nix("flake", "show", "--json").json
    assert sorted(shown["templates"]) == ["default", "minimal", "notebook", "pipeline", "polyglot"]
    assert shown["packages"]["x86_64-linux"]["nivis"]["type"] == "derivation"


def test_nix_run_and_the_development_shell(program: str, shared: Path) -> None:
    project = Project(shared / "repository")
    assert project.nix("run", ".", "--", "--version").out.startswith("nivis ")
    said = project.nix("develop", "-c", "python", "-c", "import nivis; print(nivis.__file__)").out
    assert said.strip() == str(project.root / "python/nivis/__init__.py")
