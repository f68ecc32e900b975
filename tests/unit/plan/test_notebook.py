"""Which commands are notebooks, and what is set in them."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Project
from nivis.plan.build import build_plan
from nivis.plan.files import Files
from nivis.plan.notebook import assigned, code, notebook_of

FOLDER = PurePosixPath("experiments/x")
PREFIX = ["python ", {"library": "notebook.py"}, " ", {"out": True}, " "]
PERCENT = '# %% [markdown]\n# c = "parameters"\n\n# %% tags=["parameters"]\na = 1\nb: int = 2\n# %%\nimport helper\n'
QUARTO = "---\ntitle: x\n---\n# a\n```{python}\n#| tags: [parameters]\na = 1\n```\n```{python}\nimport helper\n```\n"
TAGGED = '```{python tags=c("parameters")}\na = 1\n```\n```{r}\nb = 1\n```\n'


def jupyter(*cells: tuple[str, list[str]]) -> str:
    made = [{"cell_type": "code", "source": [text], "metadata": {"tags": tags}} for text, tags in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "import odd"}, *made]})


TEXTS = {
    "a.ipynb": jupyter(("%pylab\nimport helper", []), ("seed = 0\ntest_size = 1\nout = '.'\nz = 2", ["parameters"])),
    "cells.py": PERCENT,
    "plain.py": "print(1)\n",
    "b.qmd": QUARTO,
    "notes.md": "# no cells\n",
    "helper.py": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / FOLDER).mkdir(parents=True)
    for name, text in TEXTS.items():
        (tmp_path / FOLDER / name).write_text(text)
    return Project(root=tmp_path, name="p")


def plan(project: Project, text: str) -> dict[str, Any]:
    (project.root / FOLDER / "experiment.toml").write_text(text)
    steps: dict[str, Any] = build_plan(project, decode_experiment(text, FOLDER), {})["steps"]  # type: ignore[assignment]
    return steps


@pytest.mark.parametrize(
    ("run", "names"),
    [
        ("a.ipynb", ()),
        (" a.ipynb\n", ()),
        ("missing.ipynb k=1", ("k",)),
        ("a.ipynb table=${steps.make}/t.csv k='a b' l=\"x\"", ("table", "k", "l")),
        ("a.ipynb \\\n  k=1 \\\n  l=2", ("k", "l")),
        ("cells.py", ()),
        ("b.qmd k=", ("k",)),
    ],
)
def test_notebooks(project: Project, run: str, names: tuple[str, ...]) -> None:
    notebook = notebook_of(run, str(FOLDER), Files(project.root))
    assert notebook is not None
    assert notebook.names == names
    assert notebook.file == run.split()[0]


@pytest.mark.parametrize(
    "run",
    ["plain.py", "notes.md", "./cells.py", "python a.ipynb", "a.ipynb; ls", "a.ipynb | cat", "a.ipynb -k 1",
     "a.ipynb\nls", "gone.py", "a.ipynb > x", "${data.a}.ipynb", ("a.ipynb",)],
)  # fmt: skip
def test_commands(project: Project, run: str | tuple[str, ...]) -> None:
    assert notebook_of(run, str(FOLDER), Files(project.root)) is None


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("x.ipynb", TEXTS["a.ipynb"], ["seed", "test_size", "out", "z"]),
        ("x.ipynb", "{", []),
        ("x.ipynb", "[]", []),
        ("x.py", PERCENT, ["a", "b"]),
        ("x.qmd", QUARTO, ["a"]),
        ("x.md", TAGGED, ["a"]),
        ("x.py", '# %% tags=["parameters"]\na = (\n', []),
    ],
)
def test_what_parameters_a_notebook_has(path: str, text: str, names: list[str]) -> None:
    assert assigned(path, text) == names


def test_the_code_of_a_notebook() -> None:
    expected = "\nimport helper\n\nseed = 0\ntest_size = 1\nout = '.'\nz = 2"
    assert code("x.ipynb", TEXTS["a.ipynb"]) == expected
    assert code("x.md", TAGGED) == "a = 1\n"


def test_parameters_are_set_and_nothing_else_is_an_input(project: Project) -> None:
    text = "[params]\nseed = 7\ntest-size = {a = 'it\\u0027s ${x}'}\nunused = 1\n[steps.a]\nrun = 'a.ipynb'\n"
    step = plan(project, text.replace("'it\\u0027s ${x}'", '"it\'s ${x}"'))["a"]
    value = """'{"a": "it'"'"'s ${x}"}'"""
    assert step["run"] == [*PREFIX, f"a.ipynb seed=7 test_size={value} out=", {"out": True}]
    assert json.loads(step["params"]) == {"seed": 7, "test-size": {"a": "it's ${x}"}}
    assert step["files"] == [f"{FOLDER}/a.ipynb", f"{FOLDER}/helper.py"]


def test_words_and_the_matrix_come_first(project: Project) -> None:
    steps = "[params]\nseed = 7\ntest-size = 2\n[steps.make]\nrun = 'x'\n"
    text = f"{steps}[steps.a]\nmatrix = {{seed = [1, 2]}}\nrun = 'a.ipynb test_size=${{steps.make}}'\n"
    step = plan(project, text)["a"]
    assert step["run"] == [
        *PREFIX,
        "a.ipynb test_size=",
        {"step": "make"},
        " seed=",
        {"text": 0},
        " out=",
        {"out": True},
    ]
    assert (step["params"], step["steps"]) == ("{}", ["make"])
    assert [own["texts"] for own in step["instances"].values()] == [["1"], ["2"]]


def test_scripts_and_markdown_bring_what_they_import(project: Project) -> None:
    steps = plan(project, "[steps.a]\nrun = 'cells.py'\n[steps.b]\nrun = 'b.qmd'\n")
    assert steps["a"]["files"] == [f"{FOLDER}/cells.py", f"{FOLDER}/helper.py"]
    assert steps["b"]["files"] == [f"{FOLDER}/b.qmd", f"{FOLDER}/helper.py"]


def test_a_notebook_that_is_not_there(project: Project) -> None:
    with pytest.raises(NivisError) as caught:
        plan(project, "[steps.a]\nrun = 'aa.ipynb'\n")
    assert str(caught.value) == (
        f"{FOLDER}/experiment.toml, line 2: steps.a.run: no file 'aa.ipynb' in {FOLDER}. Did you mean 'a.ipynb'?"
    )
