"""With everything fetched nothing needs the network; with something missing the error says what."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.project import NIVIS, Project, Ran

pytestmark = [pytest.mark.nix, pytest.mark.network]

# A network namespace without any interface: as root a plain one, else one of a user namespace.
CUT_OFF = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


def cut_off(project: Project, *words: str, code: int = 0, **more: str) -> Ran:
    return project.run([*CUT_OFF, *NIVIS, *words], code=code, cwd=None, **more)


@pytest.fixture
def lab(project: Project, salt: str) -> Project:
    project.write(
        "experiments/lab/experiment.toml",
        f"""
[data.penguins]
pypi = "palmerpenguins==0.1.4"
file = "palmerpenguins/data/penguins.csv"

[params]
salt = "{salt}"

[steps.count]
run = "echo ${{params.salt}}; wc -l < ${{data.penguins}} > ${{out}}/lines"
""",
    )
    return project


def test_without_network_everything_that_was_fetched_works(lab: Project) -> None:
    lab.nivis("lock")
    assert [r["built"] for r in cut_off(lab, "--offline", "--json", "build").json["results"]] == [["lab.count"]]
    lab.edit("experiments/lab/experiment.toml", "wc -l", "wc -c")
    assert [r["built"] for r in cut_off(lab, "--json", "build").json["results"]] == [["lab.count"]]
    cut_off(lab, "--offline", "lock")
    cut_off(lab, "--offline", "status")
    cut_off(lab, "--offline", "log", "lab.count")
    cut_off(lab, "--offline", "shell", "--", "python", "-c", "import sys")
    cut_off(lab, "--offline", "shell", "lab.count", "--", "bash", "-c", 'bash "$NIVIS_RUN"')
    lab.run([*CUT_OFF, "nix", "build", "--no-link", ".#experiment-lab"])
    lab.run([*CUT_OFF, "nix", "develop", "-c", "true"])


def test_a_new_project_needs_nothing_from_the_network(lab: Project) -> None:
    lab.nivis("lock")
    for made in ("nivis.lock", "flake.lock"):
        (lab.root / made).unlink()
    shutil.rmtree(lab.root / "nix")
    cut_off(lab, "--offline", "build")


def test_what_is_missing_is_named(lab: Project, tmp_path: Path) -> None:
    before = (lab.root / "nivis.lock").read_bytes()
    said = cut_off(lab, "--offline", "build", code=3, XDG_CACHE_HOME=str(tmp_path / "empty")).err
    assert "not in the cache. Run the same command once without --offline." in said
    assert "Traceback" not in said
    assert (lab.root / "nivis.lock").read_bytes() == before


def test_offline_downloads_nothing_though_it_could(lab: Project, tmp_path: Path) -> None:
    said = lab.nivis("--offline", "build", code=3, XDG_CACHE_HOME=str(tmp_path / "empty")).err
    assert "not in the cache" in said


def test_a_dead_network_is_told_in_one_sentence(lab: Project, tmp_path: Path) -> None:
    said = cut_off(lab, "lock", code=3, XDG_CACHE_HOME=str(tmp_path / "empty")).err
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if line.startswith("nivis: ")]
