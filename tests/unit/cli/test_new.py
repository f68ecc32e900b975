"""``nivis new``."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path, PurePosixPath

import pytest

from nivis.cli.new import check_name, create
from nivis.errors import UsageError
from nivis.manifest.discover import load_experiments
from nivis.manifest.model import Project

TODAY = date(2026, 11, 20)


def a_project(root: Path) -> Project:
    return Project(root=root, name="birds")


def test_a_new_experiment_is_complete(tmp_path: Path) -> None:
    files = create(a_project(tmp_path), "first-look", title=None, today=TODAY)
    folder = PurePosixPath("experiments/2026-11-20-first-look")
    assert files == [folder / "experiment.toml", folder / "measure.py"]
    experiment = load_experiments(a_project(tmp_path))["first-look"]
    assert (experiment.title, experiment.status, dict(experiment.params)) == ("First look", "running", {"seed": 0})
    assert experiment.steps["measure"].run == "python measure.py --seed ${params.seed} ${out}/metrics.json"
    assert experiment.steps["measure"].metrics == ("metrics.json",)


def test_its_script_runs_and_says_the_same_each_time(tmp_path: Path) -> None:
    _, script = create(a_project(tmp_path), "first", title=None, today=TODAY)
    for name in ("a.json", "b.json"):
        subprocess.run([sys.executable, tmp_path / script, "--seed", "0", tmp_path / name], check=True)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == {"mean": 0.585673, "size": 100}


def test_any_title_survives(tmp_path: Path) -> None:
    title = 'So "called" \\ new\nline ü'
    create(a_project(tmp_path), "x", title=title, today=TODAY)
    assert load_experiments(a_project(tmp_path))["x"].title == title


@pytest.mark.parametrize("day", [TODAY, date(2026, 11, 21)])
def test_a_name_is_taken_once(tmp_path: Path, day: date) -> None:
    create(a_project(tmp_path), "owls", title=None, today=TODAY)
    create(a_project(tmp_path), "owls-2", title=None, today=TODAY)
    with pytest.raises(UsageError) as caught:
        create(a_project(tmp_path), "owls", title=None, today=day)
    assert str(caught.value) == (
        "new: there is an experiment 'owls' already, in experiments/2026-11-20-owls. "
        "Choose another name, such as 'owls-3'."
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("my idea", "Did you mean 'my-idea'?"),
        ("Größe", "Did you mean 'Gr-e'?"),
        ("-x", "Did you mean 'x'?"),
        ("a/b", "Did you mean 'a-b'?"),
        ("a.b", "Did you mean 'a-b'?"),
        ("", "Choose a name such as 'first-look'."),
        ("x\n", "Did you mean 'x'?"),
    ],
)
def test_names_that_cannot_be(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert str(caught.value) == (
        f"new: '{name}' cannot be the name of an experiment: letters, digits, '_' and '-' can. {hint}"
    )


@pytest.mark.parametrize("name", ["penguins", "a_b-2", "2nd", "_x"])
def test_names_that_can_be(name: str) -> None:
    check_name(name)
