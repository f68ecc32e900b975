"""This repository's own flake: the CLI as a package of its own library, from its own lock."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.project import REPOSITORY, Project, environment

pytestmark = [pytest.mark.nix, pytest.mark.network, pytest.mark.xdist_group("repository")]


@pytest.fixture(scope="module")
def program(shared: Path) -> str:
    """Build the CLI from what git tracks here, in a clone: the working tree stays as it is."""
    clone = shared / "repository"
    here = Project(REPOSITORY, environment())
    here.run(["git", "clone", "-q", "--no-hardlinks", REPOSITORY, clone])
    project = Project(clone)
    project.nivis("lock")
    assert project.git("status", "--porcelain") == "", "nivis.lock is not what this nivis makes of it"
    return project.nix_built("nivis")


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
    assert sorted(shown["templates"]) == ["default", "minimal", "pipeline"]
    assert shown["packages"]["x86_64-linux"]["nivis"]["type"] == "derivation"


def test_nix_run_and_the_development_shell(program: str, shared: Path) -> None:
    project = Project(shared / "repository")
    assert project.nix("run", ".", "--", "--version").out.startswith("nivis ")
    said = project.nix("develop", "-c", "python", "-c", "import nivis; print(nivis.__file__)").out
    assert said.strip() == str(project.root / "python/nivis/__init__.py")
