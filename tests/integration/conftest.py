"""Projects that are locked and whose toolchain is in the store: made once in a test run, copied for each test."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from support.project import Project, environment, locked


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def bare(shared: Path) -> Callable[[str], Path]:
    """Return a function that gives the locked project of a suite, without experiments and Python packages."""

    def make(suite: str) -> Path:
        root = shared / suite
        with locked(shared / f"{suite}.lock"):
            if not root.exists():
                growing = shared / f"{suite}.new"
                shutil.rmtree(growing, ignore_errors=True)
                growing.mkdir()
                project = Project(growing)
                project.nivis("init", "--template", "minimal")
                shutil.rmtree(growing / "experiments")
                project.edit("pyproject.toml", "trixie", suite)
                project.edit("pyproject.toml", ">=3.13", ">=3.11")
                project.nivis("lock")
                project.nivis("shell", "--", "true")
                growing.rename(root)
        return root

    return make


@pytest.fixture
def project(bare: Callable[[str], Path], tmp_path: Path) -> Project:
    """Return a locked project without experiments (trixie, no Python packages)."""
    root = tmp_path / "project"
    shutil.copytree(bare("trixie"), root, symlinks=True)
    return Project(root, environment())


@pytest.fixture
def salt() -> str:
    """Return a word that no build has seen, so that steps which contain it run."""
    return uuid.uuid4().hex
