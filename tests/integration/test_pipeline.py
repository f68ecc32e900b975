"""The pipeline template, from `nivis init` to figures; and the same with Nix alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network, pytest.mark.xdist_group("pipeline")]

STEPS = ["clean", "explore", "train"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Any]:
    """Return the built and committed project, and what `nivis build --json` answered."""
    project = Project(tmp_path_factory.mktemp("pipeline"))
    project.nivis("init", "--template", "pipeline")
    answer = project.nivis("--json", "build", "penguins").json
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "Penguins")
    return project, answer


@pytest.fixture(scope="module")
def penguins(first: tuple[Project, Any]) -> Project:
    return first[0]


def test_the_answer_names_result_metrics_and_figures(first: tuple[Project, Any]) -> None:
    project, answer = first
    [result] = answer["results"]
    assert result["target"] == "penguins"
    assert result["link"] == "generated/penguins"
    assert result["output"] == str((project.root / "generated/penguins").readlink())
    assert result["metrics"]["train"]["accuracy"] >= 0.95
    assert result["figures"] == [
        "generated/penguins/figures/explore-bills.svg",
        "generated/penguins/figures/train-confusion.svg",
    ]


def test_the_tree_of_the_result(penguins: Project) -> None:
    result = penguins.root / "generated/penguins"
    found = sorted(
        str(path.relative_to(result)) + ("/" if path.is_dir() else "")
        for folder in (result, *(result / "steps" / step for step in STEPS))
        for path in folder.rglob("*")
    )
    assert found == [
        "checks.json",
        "checks/",
        "checks/measurements/",
        "figures/",
        "figures/explore-bills.svg",
        "figures/train-confusion.svg",
        "hashes.txt",
        "metrics.json",
        "provenance.json",
        "steps/",
        "steps/clean/",
        "steps/clean/clean.csv",
        "steps/explore/",
        "steps/explore/bills.svg",
        "steps/train/",
        "steps/train/confusion.svg",
        "steps/train/metrics.json",
        "steps/train/model.json",
    ]
    assert json.loads((result / "metrics.json").read_text()) == {
        "train": json.loads((result / "steps/train/metrics.json").read_text())
    }


def test_the_hashes_of_the_result_hold(penguins: Project) -> None:
    result = penguins.root / "generated/penguins"
    checked = penguins.run(["sha256sum", "--strict", "-c", "hashes.txt"], cwd=result)
    listed = [line.removesuffix(": OK") for line in checked.out.splitlines()]
    assert listed == [
        "steps/clean/clean.csv",
        "steps/explore/bills.svg",
        "steps/train/confusion.svg",
        "steps/train/metrics.json",
        "steps/train/model.json",
    ]


def test_the_hashes_of_the_inputs_hold(penguins: Project) -> None:
    said = penguins.run(["sha256sum", "--strict", "-c", "experiments/2026-11-20-penguins/hashes.txt"]).out
    assert said.splitlines()
    assert all(line.endswith(": OK") for line in said.splitlines())


def test_the_figures_are_pictures(penguins: Project) -> None:
    for figure in (penguins.root / "generated/penguins/figures").iterdir():
        assert "<svg" in figure.read_text()


def test_a_second_build_does_nothing(penguins: Project) -> None:
    lock = (penguins.root / "nivis.lock").stat()
    answer = penguins.nivis("--json", "build", "penguins").json
    assert answer["results"][0]["built"] == []
    assert (penguins.root / "nivis.lock").stat() == lock
    assert penguins.git("status", "--porcelain") == ""


def test_provenance_says_what_made_it_and_nothing_of_where(penguins: Project) -> None:
    text = (penguins.root / "generated/penguins/provenance.json").read_text()
    said = json.loads(text)
    assert str(penguins.root) not in text
    assert "://" not in text
    assert said["params"] == {"seed": 0, "test-size": 0.25, "model": {"c": 1.0}}
    assert sorted(said["steps"]) == STEPS
    assert {"numpy", "pandas", "scikit-learn", "matplotlib"} <= {wheel["name"] for wheel in said["wheels"]}


def test_the_same_project_elsewhere_has_the_same_result(penguins: Project, tmp_path: Path) -> None:
    penguins.run(["git", "clone", "-q", penguins.root, tmp_path / "clone"])
    clone = Project(tmp_path / "clone")
    clone.nivis("build", "penguins")
    here, there = (p.root / "generated/penguins" for p in (penguins, clone))
    assert here.readlink() == there.readlink()
    assert clone.git("status", "--porcelain") == ""


def test_plain_nix_builds_the_same(penguins: Project) -> None:
    result = penguins.root / "generated/penguins"
    assert penguins.nix_built("experiment-penguins") == str(result.readlink())
    for step in STEPS:
        assert penguins.nix_built(f"experiment-penguins.steps.{step}") == str((result / "steps" / step).resolve())


def test_a_single_step_has_a_link_of_its_own(penguins: Project) -> None:
    penguins.nivis("build", "penguins.train")
    train = penguins.root / "generated/penguins.train"
    assert train.readlink() == (penguins.root / "generated/penguins/steps/train").resolve()


def test_the_flake_shows_and_checks(penguins: Project) -> None:
    shown = penguins.nix("flake", "show", "--json").json
    assert shown["packages"]["x86_64-linux"]["experiment-penguins"]["type"] == "derivation"
    assert shown["devShells"]["x86_64-linux"]["default"]["type"] == "derivation"
    penguins.nix("flake", "check")


def test_nix_develop_has_the_environment_and_the_source(penguins: Project) -> None:
    code = "import penguins, figures, sklearn, os; print(penguins.__file__); print(os.environ['NIVIS_PROJECT'])"
    said = penguins.nix("develop", "-c", "python", "-c", code).out
    assert said.splitlines() == [str(penguins.root / "src/penguins.py"), str(penguins.root)]


@pytest.mark.parametrize("step", STEPS)
def test_rebuilding_a_step_gives_the_same_bits(penguins: Project, step: str) -> None:
    penguins.nix("build", "--no-link", "--rebuild", f".#experiment-penguins.recipes.{step}")


def test_rebuilding_result_and_environment_gives_the_same_bits(penguins: Project) -> None:
    penguins.nix("build", "--no-link", "--rebuild", ".#experiment-penguins")
    penguins.nix("build", "--no-link", "--rebuild", ".#environment")


def test_poetry_lock_older_than_pyproject_is_refused(penguins: Project, tmp_path: Path) -> None:
    shutil.copytree(penguins.root, tmp_path / "copy", symlinks=True)
    copy = Project(tmp_path / "copy")
    copy.edit("pyproject.toml", '"numpy>=2.3,<3"', '"numpy>=2.4,<3"')
    before = (copy.root / "nivis.lock").read_bytes()
    said = copy.nivis("lock", code=2).err
    assert "poetry.lock" in said
    assert "poetry lock" in said
    assert (copy.root / "nivis.lock").read_bytes() == before


def test_the_other_experiment_fans_out_sweeps_and_has_a_step_in_r(penguins: Project) -> None:
    penguins.nivis("build", "islands")
    steps = penguins.root / "generated/islands/steps"
    labels = {name: sorted(path.name for path in (steps / name).iterdir()) for name in ("fit", "resample")}
    assert labels["fit"] == ["Biscoe.csv", "Dream.csv", "Torgersen.csv"]
    assert labels["resample"] == [f"share={share},seed={seed}" for share in (0.5, 0.8) for seed in range(3)]
    metrics = json.loads((penguins.root / "generated/islands/metrics.json").read_text())
    assert metrics["summary"] == {"islands": 3, "spread": 0.009738}
    assert metrics["fit"]["Dream.csv"] == {"penguins": 124, "r2": 0.275693, "slope": 0.00946095}
    penguins.rebuild("islands", "split", "fit@Dream.csv", "summary")
