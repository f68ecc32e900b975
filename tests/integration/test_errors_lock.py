"""`nivis lock --check`, and what is told of a lock that does not fit."""

from __future__ import annotations

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]


def test_check_names_what_is_out_of_date_and_writes_nothing(project: Project) -> None:
    project.write("experiments/lab/experiment.toml", '[steps.work]\nrun = "true"\n')
    before = project.git("status", "--porcelain")
    said = project.nivis("lock", "--check", code=2).err
    assert "experiments/lab/hashes.txt, nix/plans/lab.json: out of date. Run `nivis lock`." in said
    assert project.git("status", "--porcelain") == before
    project.nivis("lock")
    assert project.nivis("--json", "lock", "--check").json == {"changed": []}


def test_an_experiment_that_is_not_there_has_no_log(project: Project) -> None:
    project.write("experiments/lab/experiment.toml", '[steps.work]\nrun = "true"\n')
    assert project.nivis("log", "lap.work", code=2).err == "nivis: no experiment named 'lap'. Did you mean 'lab'?\n"
    assert "this machine has no log of it" in project.nivis("log", "lab.work", code=1).err


def test_entering_what_has_no_environment(project: Project) -> None:
    project.write("experiments/lab/experiment.toml", '[steps.work]\nrun = "true"\n')
    assert project.nivis("shell", "lab", code=2).err == (
        "nivis: lab: an experiment has no environment of its own, its steps have. Say lab.STEP.\n"
    )
    unknown = project.nivis("shell", "lab.wrok", code=2).err
    assert unknown.endswith("nivis: no step named 'wrok' in 'lab'. Did you mean 'work'?\n")
    assert "there is no program 'nothing'" in project.nivis("shell", "--", "nothing", code=127).err


def test_a_shell_starts_where_it_was_asked_to(project: Project) -> None:
    (project.root / "src").mkdir(exist_ok=True)
    assert project.nivis("-C", "src", "shell", "--", "pwd").out == f"{project.root}/src\n"
