"""Looking at a project on real Nix: graphs, why steps fail, why they run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

FOLDER = "experiments/2026-11-20-lab"
STEPS = """
[experiment]
title = "Lab"

[params]
salt = "SALT"

[steps.base]
run = "echo ${params.salt} > ${out}/salt"

[steps.read]
run = "python read.py ${steps.base}/salt config > ${out}/x"

[steps.many]
matrix = { c = [1, 2, 3] }
run = "cat ${steps.base}/salt > ${out}/${matrix.c}"
"""


@pytest.fixture
def lab(project: Project, salt: str) -> Project:
    project.write(f"{FOLDER}/experiment.toml", STEPS.replace("SALT", salt))
    # The salt: a file that no store has seen.
    project.write(f"{FOLDER}/read.py", f'import sys\nprint(open(sys.argv[2] + "/x.json").read())\n# {salt}\n')
    project.write("config/x.json", "{}")
    return project


def test_a_read_that_is_not_declared_and_a_graph_of_it(lab: Project) -> None:
    lab.write(f"{FOLDER}/config/x.json", "{}")
    lab.edit(f"{FOLDER}/experiment.toml", "salt config", "salt conf")
    lab.edit(f"{FOLDER}/read.py", "sys.argv[2] +", "sys.argv[2] + 'ig' +")
    error = lab.nivis("build", "-k", "lab", code=1).err
    assert "FileNotFoundError: [Errno 2] No such file or directory: 'config/x.json'\n" in error
    advice = f'Add to [steps.read] in {FOLDER}/experiment.toml: sources = ["config/x.json"].'
    assert (
        f"\n  '{FOLDER}/config/x.json' is in the project, but the step does not see it: no command or import names it. "
        f"{advice} 'nivis log lab.read' shows the whole log, "
    ) in error
    graph = lab.nivis("dag", "lab", "--json").json
    states = {node["id"]: node.get("state") for node in graph["nodes"]}
    assert states == {"lab.base": "built", "lab.many": "built", "lab.read": "failed", "lab": "failed"}
    assert '  step_lab_many("many \N{MULTIPLICATION SIGN}3"):::built\n' in lab.nivis("dag").out
    lab.nivis("dag", "-o", "dag.svg", "lab.many", "--expand")
    assert (lab.root / "dag.svg").read_text().count("<title>") == 4
    lab.edit(f"{FOLDER}/experiment.toml", "[steps.read]", '[steps.read]\nsources = ["config/x.json"]')
    assert lab.built("lab") == ["lab.read"]


def test_why_a_step_runs_again(lab: Project) -> None:
    manifest = f"{FOLDER}/experiment.toml"
    lab.write(f"{FOLDER}/config/x.json", "{}")
    for name in ("a", "b"):
        lab.write(f"data/birds/{name}.csv", name)
    lab.edit(manifest, "[steps.base]", '[data.birds]\npath = "data/birds"\n\n[steps.base]')
    lab.edit(
        manifest, '[steps.read]\nrun = "python', '[steps.read]\nsources = ["config"]\nrun = "ls ${data.birds}; python'
    )
    assert "lab.base has not been built here yet" in lab.nivis("why", "lab.base").out
    lab.nivis("build", "lab")
    lab.git("add", "-A")
    lab.git("commit", "-qm", "one")
    said = lab.nivis("why", "lab.read").out
    assert said == "lab.read is up to date. Nothing of it has changed since nivis keeps track.\n"

    lab.edit(f"{FOLDER}/read.py", "import sys\n", "import sys  # why\n")
    assert _states(lab) == {"base": ("built", ""), "read": ("stale", "code"), "many": ("built", "")}
    lab.edit(manifest, 'salt = "', 'salt = "new ')
    lab.write("data/birds/b.csv", "B")
    expected = [
        "lab.read would run again, since these changed:",
        "  code         read.py, line 1",
        "                 -import sys",
        "                 +import sys  # why",
        "                 ~ b.csv",
        "  upstream     base, because of:",
    ]
    lines = lab.nivis("why", "lab.read").out.splitlines()
    assert [line for line in lines if "birds" not in line and "salt" not in line] == expected
    assert _states(lab) == {
        "base": ("stale", "params"),
        "read": ("stale", "code, data, upstream"),
        "many": ("stale", "upstream"),
    }
    lab.nivis("build", "lab")
    [heading, *past] = lab.nivis("why", "lab.read").out.splitlines()
    assert heading == "lab.read is up to date. It last ran because of:"
    assert past == lines[1:]
    lab.git("commit", "-qam", "two")
    assert lab.nivis("why", "lab.read", "HEAD~1..HEAD").out.splitlines()[1:] == lines[1:]
    assert lab.nivis("why", "lab.many", "HEAD~1").out.splitlines()[1].startswith("  upstream     base, because of:")


def _states(lab: Project) -> dict[str, tuple[str, str]]:
    [experiment] = lab.nivis("--json", "status", "lab").json["experiments"]
    return {step["name"]: (step["state"], step["reason"]) for step in experiment["steps"]}


BAD = """
[steps.bad]
matrix = { k = [1, 2] }
run = '''
echo left ${matrix.k} > note.txt; mkdir sub; echo half > ${out}/half; echo once SALT; cd sub; exit 4
'''
"""


def test_a_failed_step_is_entered_as_it_left_its_folder(lab: Project, salt: str) -> None:
    manifest = f"{FOLDER}/experiment.toml"
    lab.edit(manifest, "[steps.read]", BAD.replace("SALT", salt) + "\n[steps.read]")
    lab.write(f"{FOLDER}/config/x.json", "{}")
    lab.edit(manifest, 'run = "python', 'sources = ["config"]\nrun = "python')
    said = lab.nivis("-v", "build", "-k", "lab", code=1).err
    assert said.count(f"> once {salt}\n") == 2
    assert "'nivis shell lab.bad@k=1' enters its folder as it left it." in said
    folders = [Path(_state(lab)[f"lab.bad@k={k}"]["folder"]) for k in (1, 2)]
    words = 'pwd; cat note.txt; ls -d sub "$HOME" "$out"; ls "$out"; echo 5 > mine; bash "$NIVIS_RUN"; echo $?'
    shown = lab.nivis("shell", "lab.bad@k=1", "--", "bash", "-c", words)
    top = folders[0]
    assert shown.err.startswith(f"lab.bad@k=1 as it failed: {top}\n  bash")
    assert shown.out.splitlines() == [
        *(f"{top}/project/{FOLDER}", "left 1", f"{top}/home", f"{top}/out", "sub", "half", f"once {salt}", "4")
    ]
    assert lab.nivis("shell", "lab.bad@k=1", "--", "ls").out.split() == ["mine", "note.txt", "sub"]
    assert lab.nivis("shell", "--fresh", "lab.bad@k=1", "--", "ls").out.split() == []
    assert "lab.bad failed, and has never been built here" in lab.nivis("why", "lab.bad").out
    lab.edit(manifest, "exit 4", "exit 0")
    shown = lab.nivis("shell", "lab.bad@k=2", "--", "cat", "note.txt")
    assert shown.out == "left 2\n"
    assert shown.err.startswith(f"lab.bad@k=2 as it failed, before its recipe changed: {folders[1]}\n")
    lab.nivis("build", "lab")
    assert [folder.exists() for folder in folders] == [False, False]
    assert not any("folder" in run for run in _state(lab).values())


def _state(lab: Project) -> dict[str, dict[str, str]]:
    steps: dict[str, dict[str, str]] = json.loads((lab.root / ".nivis/state.json").read_text())["steps"]
    return steps
