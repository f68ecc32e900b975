"""What reruns after an edit: the steps that read it, and no others."""

from __future__ import annotations

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

FOLDER = "experiments/lab"
MANIFEST = """
[experiment]
question = "Which steps run?"

[params]
left = 1
right = 2

[steps.a]
run = "python a.py ${params.left} > ${out}/a.txt"
outputs = ["a.txt"]

[steps.b]
run = "python b.py ${params.right} > ${out}/b.txt"
outputs = ["b.txt"]

[steps.c]
run = "cat ${steps.a}/a.txt words.txt > ${out}/c.txt"
outputs = ["c.txt"]
"""


@pytest.fixture
def lab(project: Project, salt: str) -> Project:
    project.write(f"{FOLDER}/experiment.toml", MANIFEST)
    project.write("src/tools/__init__.py", f"SALT = '{salt}'\n")
    project.write("src/tools/left.py", "def name():\n    return 'left'\n")
    project.write("src/tools/right.py", "def name():\n    return 'right'\n")
    project.write("src/other.py", "")
    project.write(f"{FOLDER}/helper.py", "from tools import right\n")
    project.write(f"{FOLDER}/a.py", "import sys\nfrom tools.left import name\nprint(name(), sys.argv[1])\n")
    project.write(f"{FOLDER}/b.py", "import helper\nprint(helper.right.name())\n")
    project.write(f"{FOLDER}/words.txt", salt)
    project.write(f"{FOLDER}/report.md", "# Report\n")
    assert project.built("lab") == ["lab.a", "lab.b", "lab.c"]
    assert project.built("lab") == []
    return project


def test_only_what_reads_an_edited_file_reruns(lab: Project) -> None:
    lab.write(f"{FOLDER}/report.md", "# Another report\n")
    lab.write(f"{FOLDER}/notes.txt", "new")
    lab.write("src/other.py", "print('edited')\n")
    lab.write("README.md", "edited")
    assert lab.built("lab") == []

    lab.write("src/tools/right.py", "def name():\n    return 'RIGHT'\n")
    assert lab.built("lab") == ["lab.b"]
    assert (lab.root / "generated/lab/steps/b/b.txt").read_text() == "RIGHT\n"

    lab.edit(f"{FOLDER}/helper.py", "import right", "import right  # edited")
    assert lab.built("lab") == ["lab.b"]

    lab.write(f"{FOLDER}/words.txt", (lab.root / FOLDER / "words.txt").read_text() + " edited")
    assert lab.built("lab") == ["lab.c"]

    lab.edit(f"{FOLDER}/experiment.toml", 'question = "Which', 'question = "So which')
    assert lab.built("lab") == []


def test_a_parameter_reruns_the_steps_that_use_it(lab: Project) -> None:
    lab.edit(f"{FOLDER}/experiment.toml", "right = 2", "right = 3")
    assert lab.built("lab") == ["lab.b"]
    lab.edit(f"{FOLDER}/experiment.toml", "left = 1", "left = 5")
    assert lab.built("lab") == ["lab.a", "lab.c"]


def test_going_back_reruns_nothing(lab: Project) -> None:
    out = (lab.root / "generated/lab").readlink()
    lab.edit(f"{FOLDER}/experiment.toml", "right = 2", "right = 3")
    lab.built("lab")
    lab.edit(f"{FOLDER}/experiment.toml", "right = 3", "right = 2")
    assert lab.built("lab") == []
    assert (lab.root / "generated/lab").readlink() == out


def test_nix_and_nivis_agree_after_an_edit(lab: Project) -> None:
    lab.write("src/tools/left.py", "def name():\n    return 'LEFT'\n")
    lab.nivis("build", "lab")
    assert lab.nix_built("experiment-lab") == str((lab.root / "generated/lab").readlink())
    lab.edit(f"{FOLDER}/experiment.toml", "left = 1", "left = 7")
    said = lab.nix("build", "--no-link", ".#experiment-lab", code=1).err
    assert "experiments/lab/experiment.toml changed after nix/plans/lab.json was written: run 'nivis lock'" in said


def test_status_tells_what_is_stale(lab: Project) -> None:
    def states() -> dict[str, str]:
        [experiment] = lab.nivis("--json", "status").json["experiments"]
        return {step["name"]: step["state"] for step in experiment["steps"]}

    assert states() == {"a": "built", "b": "built", "c": "built"}
    lab.write("src/tools/left.py", "def name():\n    return 'LEFT'\n")
    assert states() == {"a": "stale", "b": "built", "c": "stale"}
    lab.edit(f"{FOLDER}/experiment.toml", "right = 2", "right = 9")
    before = lab.git("status", "--porcelain")
    assert lab.nivis("--json", "status").json["experiments"][0]["state"] in ("stale", "unlocked")
    assert lab.git("status", "--porcelain") == before
