"""The templates are what nivis itself would generate, and name no host."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nivis.flake.generate import FLAKE_LOCK, flake_text, git_files
from nivis.manifest.discover import load_experiments
from nivis.manifest.project import load_project

TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture(params=["minimal", "pipeline", "polyglot", "notebook"])
def root(request: pytest.FixtureRequest) -> Path:
    return TEMPLATES / str(request.param)


def test_the_flake_is_the_generated_one(root: Path) -> None:
    project = load_project(root)
    assert (root / "flake.nix").read_text() == flake_text(project)
    assert json.loads((root / "flake.lock").read_text()) == FLAKE_LOCK


def test_git_settings_need_nothing_added(root: Path) -> None:
    files = git_files(load_project(root))
    assert sorted(map(str, files)) == [".gitattributes", ".gitignore"]
    assert {path: (root / path).read_bytes() for path in files} == files


def test_every_experiment_is_valid_and_answers_a_question(root: Path) -> None:
    experiments = load_experiments(load_project(root))
    assert experiments
    assert all(experiment.question for experiment in experiments.values())


def test_nothing_is_resolved_and_no_host_is_named(root: Path) -> None:
    assert not (root / "nivis.lock").exists()
    for path in root.rglob("*"):
        if path.is_file():
            assert "://" not in path.read_text(encoding="utf-8"), path


def test_the_readme_is_short_and_names_the_experiment(root: Path) -> None:
    text = (root / "README.md").read_text()
    assert len(text.splitlines()) <= 20
    for name in load_experiments(load_project(root)):
        assert f"nivis build {name}" in text


def test_the_pipelines_lock_is_of_its_dependencies() -> None:
    lock = tomllib.loads((TEMPLATES / "pipeline/poetry.lock").read_text())
    names = {package["name"] for package in lock["package"]}
    assert {"numpy", "pandas", "scikit-learn", "matplotlib"} <= names


def test_the_minimal_experiment_computes_its_sum(tmp_path: Path) -> None:
    numbers, metrics = tmp_path / "numbers.txt", tmp_path / "metrics.json"
    numbers.write_text("1\n2\n3\n")
    script = TEMPLATES / "minimal/experiments/2026-11-20-squares/sum.py"
    subprocess.run([sys.executable, script, numbers, metrics], check=True)
    assert metrics.read_text() == '{\n  "count": 3,\n  "sum-of-squares": 14\n}\n'
