"""Looking at a project on real Nix: graphs, why steps fail, why they run again."""

from __future__ import annotations

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
    project.write(f"{FOLDER}/read.py", 'import sys\nprint(open(sys.argv[2] + "/x.json").read())\n')
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
