"""Steps that are fanned out: what the plan has of them, and what their commands make of odd items."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nivis.errors import NivisError
from nivis.lock.model import LockedData
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Project
from nivis.plan.build import build_plan
from nivis.plan.instances import data_of, fanned, needs
from nivis.plan.resolve import item_variable

FOLDER = PurePosixPath("experiments/x")
SPLIT = "[steps.split]\nrun = 'x'\n"
EACH = "[steps.each]\nforeach = '${steps.split}/parts/*.csv'\n"
ROWS = "[steps.each]\nforeach = { rows = '${steps.split}/t.csv', label = 'id' }\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "one.py").write_text("")
    (tmp_path / FOLDER / "raw").mkdir()
    return Project(root=tmp_path, name="p")


def plan(project: Project, text: str) -> dict[str, Any]:
    (project.root / FOLDER / "experiment.toml").write_text(text)
    return build_plan(project, decode_experiment(text, FOLDER), {})


def problems(project: Project, text: str) -> list[str]:
    with pytest.raises(NivisError) as caught:
        plan(project, text)
    return [str(part).partition(": ")[2] for part in caught.value.parts()]


def test_files(project: Project) -> None:
    step = plan(project, SPLIT + EACH + "run = 'python one.py ${item} ${item.stem} ${out}'\n")["steps"]["each"]
    assert {key: step[key] for key in ("run", "files", "item", "foreach", "steps")} == {
        "run": ['python one.py "${NIVIS_ITEM}" "${NIVIS_ITEM_stem}" ', {"out": True}],
        "files": [f"{FOLDER}/one.py"],
        "item": {"NIVIS_ITEM": "", "NIVIS_ITEM_stem": "stem"},
        "foreach": {"step": "split", "kind": "files", "path": "parts/*.csv", "label": "", "keys": ["", "stem"]},
        "steps": [],
    }
    assert "instances" not in step
    assert needs(step) == ["split"]


def test_rows_and_what_runs_along(project: Project) -> None:
    text = SPLIT + ROWS + "run = 'x ${item.a}'\n"
    text += "[steps.then]\nmatrix = 'each'\nrun = 'x ${steps.each}/y ${item.b-c}'\n"
    text += "[steps.last]\nmatrix = 'then'\nrun = 'x ${steps.then} ${item.d_e}'\n"
    text += "[steps.all]\nrun = 'x ${steps.last}'\n"
    made = plan(project, text)
    steps = made["steps"]
    assert steps["each"]["foreach"] == {
        "step": "split",
        "kind": "rows",
        "path": "t.csv",
        "label": "id",
        "keys": ["a", "b-c", "d_e"],
    }
    assert (steps["then"]["foreach"], steps["then"]["along"], steps["then"]["item"]) == (
        {"along": "each"},
        ["each"],
        {"NIVIS_ITEM_b__c": "b-c"},
    )
    assert (steps["last"]["foreach"], steps["last"]["along"]) == ({"along": "then"}, ["then"])
    assert "along" not in steps["all"]
    assert fanned(made) == ["each", "last", "then"]


def test_data_and_nested(project: Project) -> None:
    text = "[data.raw]\npath = 'raw'\n[steps.each]\nforeach = '${data.raw}/*'\nrun = 'x ${item}'\n"
    text += "[steps.inner]\nforeach = { files = '${steps.each}/p/*' }\nrun = 'x ${item}'\n"
    experiment = decode_experiment(text, FOLDER)
    (project.root / FOLDER / "experiment.toml").write_text(text)
    made: Any = build_plan(
        project, experiment, {"raw": LockedData(name="raw", origin={"path": "raw"}, sha256="a" * 64)}
    )
    assert made["steps"]["each"]["foreach"]["data"] == "raw"
    assert data_of(made, "each@x") == data_of(made, "each (items)") == ["raw"]
    assert needs(made["steps"]["inner"]) == ["each"]


def test_what_an_item_does_not_concern_is_not_in_the_recipe(project: Project) -> None:
    steps = plan(project, SPLIT + EACH + "run = 'x'\n")["steps"]
    assert (steps["each"]["item"], steps["each"]["foreach"]["keys"]) == ({}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            EACH + "run = 'x'\n",
            "steps.each.foreach: no other step named 'split'. Declare it: [steps.split].",
        ),
        (
            "[steps.a]\nforeach = '${steps.a}/x'\nrun = 'x'\n",
            "steps.a.foreach: step 'a' cannot be fanned out over what it writes itself. "
            "Let another step write the files or rows.",
        ),
        (
            SPLIT + EACH.replace("steps.split", "data.split") + "run = 'x'\n",
            "steps.each.foreach: no data set named 'split'. Declare it: [data.split].",
        ),
        (
            SPLIT + EACH + "run = 'x ${item.size}'\n",
            "steps.each.run: ${item.size} is nothing that a file has. Known: name, path, stem.",
        ),
        (
            SPLIT + EACH + "run = 'x ${matrix.c}'\n",
            "steps.each.run: ${matrix.c} needs a matrix, but step 'each' has foreach. Write ${item.c}.",
        ),
        (
            "[steps.a]\nrun = 'x ${item}'\n",
            "steps.a.run: ${item} needs foreach, and step 'a' has none. "
            'Write foreach = "${steps.split}/parts/*.csv" under [steps.a]. A variable of the shell is written $item.',
        ),
        (
            SPLIT + EACH + "run = '''\ncat <<'E'\n${item}\nE\n'''\n",
            "steps.each.run: ${item} stands in a here-document with a quoted delimiter, where its value "
            "cannot be written. Give it to a variable first: value=${item}.",
        ),
        (
            SPLIT.replace("'x'", "'x ${steps.each}'") + EACH + "run = 'x'\n",
            "steps: steps need one another in a circle: each → split → each. "
            "Remove one of the references between them.",
        ),
        (
            SPLIT + EACH + "run = 'x ${item}'\nenv.A = '${item.name}'\n",
            "steps.each.env.A: ${item.name} cannot stand here: only parameters can. "
            "Set it in run: export NAME=${item.name}.",
        ),
    ],
)
def test_what_cannot_be_meant(project: Project, text: str, message: str) -> None:
    assert problems(project, text) == [message]


# ------------------------------------------------------------------------------------ what bash makes of it

PLACES = {
    "bare": "show ${item.v}",
    "double": 'show "${item.v}"',
    "single": "show '${item.v}'",
    "ansi": "show $'${item.v}'",
    "joined": "show a${item.v}b",
    "double joined": 'show "a${item.v}b"',
    "single joined": "show 'a '${item.v}' b'",
    "substitution": 'show "$(printf %s ${item.v}; echo .)"',
    "backquotes": "show `printf '<%s>' ${item.v} | wc -l`",
    "assignment": 'v=${item.v}; show "$v"',
    "document": 'show "$(cat <<E\n${item.v}\nE\necho .)"',
    "comment": "show ok # ${item.v}",
    "loop": 'for v in ${item.v}; do show "$v"; done',
    "test": "[[ ${item.v} == ${item.v} ]] && show ${item.v}",
}
EXPECTED = {
    "joined": "<a{}b>",
    "double joined": "<a{}b>",
    "single joined": "<a {} b>",
    "substitution": "<{}.>",
    "document": "<{}\n.>",
    "comment": "<ok>",
}
ODD = [
    "",
    " ",
    "a b",
    "it's",
    '"',
    "\\",
    "$HOME",
    "`id`",
    "$(id)",
    "*",
    "-n",
    "a\nb",
    "ü☃",
    "#x",
    "!x",
    "~",
    "\t",
    "{a,b}",
    "\\n",
    "'\"'",
]


def script(run: str) -> str:
    text = f"[steps.s]\nrun = 'x'\n[steps.each]\nforeach = {{ rows = '${{steps.s}}/t.csv' }}\nrun = {_toml(run)}\n"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / FOLDER).mkdir(parents=True)
        (root / FOLDER / "experiment.toml").write_text(text, encoding="utf-8")
        made: Any = build_plan(Project(root=root, name="p"), decode_experiment(text, FOLDER), {})
    return "".join(made["steps"]["each"]["run"])


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def bash(text: str, variables: Mapping[str, str]) -> str:
    environ = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.fixture(scope="module")
def places() -> str:
    """Return a script that goes through all places, a line for each."""
    lines = [f"{script(run)}\nprintf '\\1'" for run in PLACES.values()]
    return "show() { printf '<%s>' \"$@\"; }\n" + "\n".join(lines)


@pytest.mark.parametrize("value", ODD)
def test_an_item_is_one_word_wherever_it_stands(places: str, value: str) -> None:
    found = dict(zip(PLACES, bash(places, {"NIVIS_ITEM_v": value}).split("\1"), strict=False))
    assert found == {
        place: f"<{value.count(chr(10))}>"
        if place == "backquotes"
        else EXPECTED.get(place, "<{}>").replace("{}", value)
        for place in PLACES
    }


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_an_item_of_any_text(value: str) -> None:
    text = "show() { printf '<%s>' \"$@\"; }\n" + script("show ${item.v} '${item.v}' \"${item.v}\" x${item.v}")
    assert bash(text, {"NIVIS_ITEM_v": value}) == f"<{value}><{value}><{value}><x{value}>"


def test_an_argument_vector(project: Project) -> None:
    text = SPLIT + ROWS + "run = ['printf', '<%s>', '${item}', 'a b=${item.k}', '${item.k}', \"it's\"]\n"
    argv = plan(project, text)["steps"]["each"]["argv"]
    words = " ".join(
        "".join(word["raw"]) if isinstance(word, dict) else f"'{word[0]}'".replace("it's", "it'\\''s") for word in argv
    )
    assert bash(words, {"NIVIS_ITEM": "x 'y", "NIVIS_ITEM_k": '$z"'}) == "<x 'y><a b=$z\"><$z\"><it's>"


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,6}", fullmatch=True), st.from_regex(r"[A-Za-z0-9_.-]{1,6}", fullmatch=True))
def test_different_keys_have_different_variables(one: str, other: str) -> None:
    assert (item_variable(one) == item_variable(other)) == (one == other)
