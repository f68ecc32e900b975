"""Notebooks as steps, from the template: executed with papermill, the same each time; and what is said without it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network, pytest.mark.xdist_group("notebook")]

DECAY = "experiments/2026-11-20-decay"
FOLDER = "experiments/2026-11-21-lab"


@pytest.fixture(scope="module")
def decay(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("notebook"))
    project.nivis("init", "--template", "notebook")
    project.nivis("build", "decay")
    return project


@pytest.fixture
def lab(decay: Project, tmp_path: Path) -> Project:
    """Return the project with nothing in it but an experiment that is to be written."""
    root = tmp_path / "project"
    shutil.copytree(decay.root, root, symlinks=True)
    shutil.rmtree(root / DECAY)
    return Project(root, decay.environ)


def notebook(*cells: tuple[str, list[str]]) -> str:
    made: list[dict[str, object]] = [
        {"cell_type": "code", "source": text, "metadata": {"tags": tags}, "outputs": [], "execution_count": None}
        for text, tags in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def result(project: Project, path: str) -> str:
    return (project.root / "generated/lab/steps" / path).read_text(encoding="utf-8")


def printed(project: Project, path: str) -> list[str]:
    """Return what the cells of an executed notebook printed."""
    cells = json.loads(result(project, path))["cells"]
    outputs = [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]
    return ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]


def test_the_template(decay: Project) -> None:
    result = decay.root / "generated/decay"
    assert json.loads((result / "metrics.json").read_text())["fit"]["error"] < 0.1
    assert sorted(path.name for path in (result / "figures").iterdir()) == [
        "fit-fit.svg",
        "residuals-residuals.svg",
    ]
    executed = json.loads((result / "steps/fit/fit.ipynb").read_text())
    [injected] = [cell for cell in executed["cells"] if "injected-parameters" in cell["metadata"]["tags"]]
    assert "half_life = 5.0\n" in injected["source"]
    assert [cell["execution_count"] for cell in executed["cells"] if cell["cell_type"] == "code"] == [1, 2, 3, 4, 5, 6]
    assert "papermill" not in json.dumps(executed)
    source = json.loads((decay.root / DECAY / "fit.ipynb").read_text())
    assert all(not cell.get("outputs") for cell in source["cells"])


def test_they_are_the_same_again_and_refer_to_nothing(decay: Project) -> None:
    steps = [str((decay.root / f"generated/decay/steps/{name}").resolve()) for name in ("fit", "residuals")]
    decay.rebuild("decay", "fit", "residuals")
    assert decay.run(["nix-store", "--query", "--references", *steps]).out == ""


def test_swept_with_modules_and_as_markdown(lab: Project, salt: str) -> None:
    cells = [
        ("seed = 0\nname = 'x'\nlimits = []", ["parameters"]),
        ("import helper\nhelper.show(seed, name, limits)", []),
    ]
    lab.write(f"{FOLDER}/a.ipynb", notebook(*cells))
    lab.write(
        "src/helper.py", "import sys\ndef show(*words):\n    print(*words)\n    print('to stderr', file=sys.stderr)\n"
    )
    cells_of_b = ("#| tags: [parameters]\nk = 0", "print(k + 1)")
    lab.write(f"{FOLDER}/b.qmd", f"# {salt}\n\n" + "".join(f"```{{python}}\n{cell}\n```\n\n" for cell in cells_of_b))
    lab.write(f"{FOLDER}/experiment.toml", f"""[experiment]
name = "lab"
[params]
name = "it's {salt}"
limits = [1, 2.5]
k = 41
[steps.a]
run = "a.ipynb"
matrix = {{ seed = [1, 2] }}
[steps.b]
run = "b.qmd"
""")  # fmt: skip
    lab.nivis("build", "lab")
    for seed in (1, 2):
        assert printed(lab, f"a/seed={seed}/a.ipynb") == [f"{seed} it's {salt} [1, 2.5]\n", "to stderr\n"]
    assert printed(lab, "b/b.ipynb") == ["42\n"]


def test_a_cell_that_fails(lab: Project, salt: str) -> None:
    lab.write(f"{FOLDER}/a.ipynb", notebook(("x = 1", []), (f"raise ValueError('{salt}')", [])))
    lab.write(f"{FOLDER}/experiment.toml", '[experiment]\nname = "lab"\n[steps.a]\nrun = "a.ipynb"\n')
    error = lab.nivis("build", "lab", code=1).err
    assert f"    a.ipynb: cell 2 failed: ValueError: {salt}\n" in error
    assert f"----> 1 raise ValueError('{salt}')" in error


def test_packages_that_are_missing(project: Project) -> None:
    project.write(f"{FOLDER}/a.ipynb", notebook())
    project.write(f"{FOLDER}/b.py", "# %%\nprint(1)\n")
    project.write(
        f"{FOLDER}/experiment.toml", '[steps.a]\nrun = "a.ipynb"\n[steps.b]\nrun = "b.py"\n[steps.c]\nrun = "x"\n'
    )
    said = project.nivis("build", code=2).err.splitlines()[-2:]
    place = f"nivis: {FOLDER}/experiment.toml, line"
    why = (
        "which the project does not have. "
        "Add them to the dependencies in pyproject.toml, and lock those (`poetry lock` or `uv lock`)."
    )
    assert said == [
        f"{place} 2: steps.a.run: a notebook is executed with papermill and ipykernel, {why}",
        f"{place} 4: steps.b.run: a notebook is executed with papermill, ipykernel and jupytext, {why}",
    ]
