"""The whole plan, byte for byte, and its errors with their places."""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

import pytest

from nivis.errors import NivisError
from nivis.lock.model import Archive, LockedData
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Experiment, Project
from nivis.plan.build import build_plan, dumps
from nivis.plan.files import Files
from nivis.plan.keys import source_digest

T = TypeVar("T")

FOLDER = PurePosixPath("experiments/2026-11-20-penguins")
MANIFEST = """
[experiment]
title = "Bills"
goal = { metric = "train.accuracy", at-least = 0.95 }

[params]
seed = 0
model.c = 0.1
model.kind = "svm"

[data.penguins]
path = "data/my penguins.csv"
[data.py]
pypi = "pp==1"
file = "pp/x.csv"

[steps.clean]
run = ["python", "clean.py", "${data.penguins}", "${out}/clean.csv"]
outputs = ["clean.csv"]
env.SEED = "${params.seed}"

[steps.train]
run = "python train.py ${steps.clean}/clean.csv --c ${params.model.c} > ${out}/metrics.json"
metrics = ["metrics.json"]
memory = "1 MiB"
"""
LOCKED = {
    "penguins": LockedData(name="my-penguins.csv", origin={"path": "data/my penguins.csv"}, sha256="a" * 64),
    "py": LockedData(
        name="x.csv",
        origin={"pypi": "pp==1", "file": "pp/x.csv"},
        sha256="b" * 64,
        archive=Archive(registry="pypi", file="pp-1-py3-none-any.whl", sha256="c" * 64),
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/helper.py").write_text("")
    (tmp_path / FOLDER / "clean.py").write_text("import helper, os\nos.environ['NIVIS_PARAMS']\n")
    (tmp_path / FOLDER / "train.py").write_text("")
    return Project(root=tmp_path, name="p")


def experiment(project: Project, text: str = MANIFEST) -> Experiment:
    (project.root / FOLDER / "experiment.toml").write_text(text)
    return decode_experiment(text, FOLDER)


def test_whole_plan(project: Project) -> None:
    everything = '{"model":{"c":0.1,"kind":"svm"},"seed":0}'
    assert build_plan(project, experiment(project), LOCKED) == {
        "version": 2,
        "executable": [],
        "name": "penguins",
        "folder": str(FOLDER),
        "manifest": hashlib.sha256(MANIFEST.encode()).hexdigest(),
        "experiment": '{"goal":{"at-least":0.95,"metric":"train.accuracy"},"status":"running","title":"Bills"}',
        "params": everything,
        "data": {
            "penguins": {"name": "my-penguins.csv", "origin": {"path": "data/my penguins.csv"}, "sha256": "a" * 64},
            "py": {
                "name": "x.csv",
                "origin": {"pypi": "pp==1", "file": "pp/x.csv"},
                "sha256": "b" * 64,
                "member": "pp/x.csv",
                "archive": {"registry": "pypi", "file": "pp-1-py3-none-any.whl", "sha256": "c" * 64},
            },
        },
        "steps": {
            "clean": {
                "argv": [["python"], ["clean.py"], [{"data": "penguins"}], [{"out": True}, "/clean.csv"]],
                "files": [f"{FOLDER}/clean.py", "src/helper.py"],
                "links": {},
                "params": everything,  # clean.py reads NIVIS_PARAMS
                "data": ["penguins"],
                "steps": [],
                "outputs": ["clean.csv"],
                "metrics": [],
                "plots": [],
                "env": {"SEED": "0"},
                "cores": 1,
                "memory": None,
                "gpus": 0,
            },
            "train": {
                "run": [
                    "python train.py ",
                    {"step": "clean"},
                    "/clean.csv --c 0.1 > ",
                    {"out": True},
                    "/metrics.json",
                ],
                "files": [f"{FOLDER}/train.py"],
                "links": {},
                "params": '{"model":{"c":0.1}}',
                "data": [],
                "steps": ["clean"],
                "outputs": [],
                "metrics": ["metrics.json"],
                "plots": [],
                "env": {},
                "cores": 1,
                "memory": 1048576,
                "gpus": 0,
            },
        },
    }


def shuffled(table: Mapping[str, T], mix: random.Random) -> dict[str, T]:
    items = list(table.items())
    mix.shuffle(items)
    return dict(items)


def test_bytes_do_not_depend_on_the_order_of_input(project: Project) -> None:
    plain = experiment(project)
    expected = dumps(build_plan(project, plain, LOCKED))
    for seed in range(5):
        mix = random.Random(seed)
        other = replace(
            plain, params=shuffled(plain.params, mix), data=shuffled(plain.data, mix), steps=shuffled(plain.steps, mix)
        )
        assert dumps(build_plan(project, other, shuffled(LOCKED, mix))) == expected
    assert expected.endswith("\n}\n")
    assert str(project.root) not in expected


def test_no_float_in_the_plan(project: Project) -> None:
    def no_float(text: str) -> float:
        raise AssertionError(text)

    json.loads(dumps(build_plan(project, experiment(project), LOCKED)), parse_float=no_float)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "${steps.clean}",
            "${steps.claen}",
            "line 23: steps.train.run: no step named 'claen'. Did you mean 'clean'?",
        ),
        (
            "train.py $",
            "trian.py $",
            f"line 23: steps.train.run: no file 'trian.py' in {FOLDER}. Did you mean 'train.py'?",
        ),
        (
            'metrics = ["metrics.json"]',
            'metrics = ["metrics.json"]\nsources = ["conf/*"]',
            (
                f"line 25: steps.train.sources: 'conf/*' matches no file in {FOLDER}. "
                "Correct or remove it; a leading '/' means the project's root."
            ),
        ),
        (
            "${params.seed}",
            "${data.penguins}",
            (
                "line 20: steps.clean.env.SEED: ${data.penguins} cannot stand here: only parameters can. "
                "Set it in run: export NAME=${data.penguins}."
            ),
        ),
        (
            "${data.penguins}",
            "${steps.train}",
            (
                "line 17: steps: steps need one another in a circle: clean → train → clean. "
                "Remove one of the references between them."
            ),
        ),
        ("[data.py]", "[data.pz]", "line 13: data.pz: not locked yet. Run 'nivis lock'."),
        ("pp==1", "pp==2", "line 13: data.py: comes from elsewhere than what is locked. Run 'nivis lock'."),
        (
            'file = "pp/x.csv"',
            f'file = "pp/x.csv"\nsha256 = "{"d" * 64}"',
            f"line 13: data.py: must have sha256 {'d' * 64}, but {'b' * 64} is locked. Run 'nivis lock'.",
        ),
    ],
)
def test_error(project: Project, old: str, new: str, message: str) -> None:
    changed = experiment(project, MANIFEST.replace(old, new, 1))
    with pytest.raises(NivisError) as caught:
        build_plan(project, changed, LOCKED)
    assert str(caught.value) == f"{FOLDER}/experiment.toml, {message}"


def test_problems_of_all_steps_together(project: Project) -> None:
    wrong = MANIFEST.replace("clean.py", "claen.py").replace("model.c}", "model.d}")
    with pytest.raises(NivisError) as caught:
        build_plan(project, experiment(project, wrong), LOCKED)
    assert [part.where.rpartition(": ")[2] for part in caught.value.parts()] == ["steps.clean.run", "steps.train.run"]


def test_source_digest(project: Project) -> None:
    plan = build_plan(project, experiment(project), LOCKED)
    before = source_digest(plan, Files(project.root))
    (project.root / FOLDER / "unrelated.py").write_text("x")
    assert source_digest(plan, Files(project.root)) == before
    (project.root / "src/helper.py").write_text("x = 1")
    assert source_digest(plan, Files(project.root)) != before
    assert source_digest({**plan, "name": "y"}, Files(project.root)) != source_digest(plan, Files(project.root))


def test_executable_files(project: Project) -> None:
    (project.root / FOLDER / "clean.py").chmod(0o755)
    (project.root / FOLDER / "unrelated.py").touch(0o755)
    assert build_plan(project, experiment(project), LOCKED)["executable"] == [f"{FOLDER}/clean.py"]
