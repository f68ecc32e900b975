"""Decoding experiment.toml: every value, and the whole text of every error."""

from pathlib import PurePosixPath

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment, name_from_folder
from nivis.manifest.model import Data, Experiment, PackageData, PathData, Step, UrlData

FOLDER = PurePosixPath("experiments/2026-11-20-penguins")
FILE = f"{FOLDER}/experiment.toml"
SHA256 = "a" * 64

FULL = f"""
[experiment]
title = "Bills"
question = "Enough?"
goal = {{ metric = "train.accuracy", at-least = 0.95 }}
trl = 3
status = "done"
conclusion = "Yes."
tags = ["classification"]

[params]
seed = 0
model.c = 1.0
layers = [1, 2]

[data.penguins]
path = "data/./penguins.csv"
sha256 = "{SHA256.upper()}"
description = "344 penguins"
license = "CC0-1.0"
sensitive = true
[data.web]
url = "https://example.org/x.csv"
[data.py]
pypi = "palmerpenguins==0.1.4"
file = "palmerpenguins/data/penguins.csv"
[data.js]
npm = "@scope/vega-datasets@3.2.1"
file = "data/penguins.json"

[steps.clean]
run = ["python", "clean.py", "${{data.penguins}}"]
[steps.train]
run = "python train.py"
outputs = ["./model.json"]
metrics = ["metrics.json"]
plots = ["confusion.svg"]
sources = ["config/*.json"]
env = {{ OMP_NUM_THREADS = "1" }}
tools = ["r-base-core", "g++", "g++"]
cores = 2
memory = "2 GiB"
gpus = 1

[report]
source = "report.md"
"""


def test_everything() -> None:
    assert decode_experiment(FULL, FOLDER) == Experiment(
        name="penguins",
        folder=FOLDER,
        title="Bills",
        question="Enough?",
        goal={"metric": "train.accuracy", "at-least": 0.95},
        trl=3,
        status="done",
        conclusion="Yes.",
        tags=("classification",),
        params={"seed": 0, "model": {"c": 1.0}, "layers": [1, 2]},
        data={
            "penguins": Data(
                name="penguins",
                origin=PathData(path="data/penguins.csv"),
                sha256=SHA256,
                description="344 penguins",
                license="CC0-1.0",
                sensitive=True,
            ),
            "web": Data(name="web", origin=UrlData(url="https://example.org/x.csv")),
            "py": Data(
                name="py",
                origin=PackageData(
                    registry="pypi", package="palmerpenguins", version="0.1.4", file="palmerpenguins/data/penguins.csv"
                ),
            ),
            "js": Data(
                name="js",
                origin=PackageData(
                    registry="npm", package="@scope/vega-datasets", version="3.2.1", file="data/penguins.json"
                ),
            ),
        },
        steps={
            "clean": Step(name="clean", run=("python", "clean.py", "${data.penguins}")),
            "train": Step(
                name="train",
                run="python train.py",
                outputs=("model.json",),
                metrics=("metrics.json",),
                plots=("confusion.svg",),
                tools=("g++", "r-base-core"),
                sources=("config/*.json",),
                env={"OMP_NUM_THREADS": "1"},
                cores=2,
                memory=2 * 1024**3,
                gpus=1,
            ),
        },
        report={"source": "report.md"},
    )


def test_nothing() -> None:
    assert decode_experiment("", FOLDER) == Experiment(name="penguins", folder=FOLDER)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("2026-11-20-a-b", "a-b"), ("20261120_x", "x"), ("plain", "plain"), ("2026-11-20", "2026-11-20")],
)
def test_name_from_folder(folder: str, name: str) -> None:
    assert name_from_folder(PurePosixPath("experiments") / folder) == name


RUN = 'Write run = "python train.py ${out}".'
RULE = "Use letters, digits, '_' and '-', and do not begin with '-'."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[experiment]\nname = 'a b'", f"line 2: experiment.name 'a b' is not a name. {RULE}"),
        ("[experiment]\ntrl = 10", "line 2: experiment.trl must be between 1 and 9, but it is 10."),
        ("[experiment]\ntrl = true", "line 2: experiment.trl must be an integer, but it is a boolean."),
        (
            "[experiment]\nstatus = 'runing'",
            "line 2: experiment.status is 'runing', which is not known. Did you mean 'running'?",
        ),
        ("[experiment]\ntitel = 'x'", "line 2: experiment: unknown key 'titel'. Did you mean 'title'?"),
        ("[step.x]\nrun='x'", "line 1: unknown key 'step'. Did you mean 'steps'?"),
        (
            "[steps.x]\nrun = 'x'\ntools = ['r-base-core=4.5']",
            "line 3: steps.x.tools has 'r-base-core=4.5', which is not the name of a package. "
            "Write the name alone: which version it is, nivis.lock says.",
        ),
        ("steps = 3", "line 1: steps must be a table, but it is an integer. Write [steps] above its keys."),
        ("[steps]\nx = 'y'", "line 2: steps.x must be a table, but it is a string. Write [steps.x] above its keys."),
        ("[steps.x]\ncores = 1", f"line 1: steps.x.run is missing. {RUN}"),
        ("[steps.x]\nrun = ' '", f"line 2: steps.x.run is empty. {RUN}"),
        ("[steps.x]\nrun = [1]", f"line 2: steps.x.run must be a bash script or a list of strings. {RUN}"),
        ("[steps.'x y']\nrun = 'x'", f"line 1: 'x y' cannot be the name of a step. {RULE}"),
        (
            "[steps.train]\nrun = 'x'\noutputs = 'a'",
            (
                "line 3: steps.train.outputs must be a list of strings, but it is a string. "
                'Write outputs = ["model.json"].'
            ),
        ),
        (
            "[steps.x]\nrun = 'x'\noutputs = ['../a']",
            (
                "line 3: steps.x.outputs has '../a', which is not a path inside $out. "
                "Paths are relative to $out: write 'model.json'."
            ),
        ),
        (
            "[steps.x]\nrun = 'x'\noutputs = ['${out}/a.csv']",
            (
                "line 3: steps.x.outputs has '${out}/a.csv', but references are replaced in run only. "
                "Paths are relative to $out: write 'a.csv'."
            ),
        ),
        (
            "[steps.x]\nrun = 'x'\nmetrics = ['a.csv']",
            (
                "line 3: steps.x.metrics has 'a.csv', which is not JSON, YAML or TOML. "
                "Its name must end in .json, .yaml or .toml."
            ),
        ),
        (
            "[steps.x]\nrun = 'x'\nmemory = 'lots'",
            "line 3: steps.x.memory must be an amount of memory, but it is 'lots'. Write memory = \"2 GiB\".",
        ),
        (
            "[steps.x]\nrun = 'x'\nenv = { A = 1 }",
            "line 3: steps.x.env.A must be a string, but it is an integer. Write it in quotes.",
        ),
        (
            "[steps.x]\nrun = 'x'\nenv.NIVIS_X = 'a'",
            "line 3: steps.x.env.NIVIS_X is set by nivis. Choose another name.",
        ),
        (
            "[data.x]\nlicense = 'MIT'",
            (
                "line 1: data.x must have one of path, url, pypi or npm, but it has none of them. "
                'Write path = "data/file.csv".'
            ),
        ),
        (
            "[data.x]\npath = 'a'\nurl = 'https://example.org'",
            (
                "line 1: data.x must have one of path, url, pypi or npm, but it has path and url. "
                'Write path = "data/file.csv".'
            ),
        ),
        (
            "[data.x]\npath = '../a'",
            (
                "line 2: data.x.path is '../a', which leaves the project. "
                "Write a path relative to the project's root, or an absolute one."
            ),
        ),
        (
            "[data.x]\npypi = 'a>=1'\nfile = 'x'",
            (
                "line 2: data.x.pypi must be a package with its exact version, but it is 'a>=1'. "
                'Write pypi = "palmerpenguins==0.1.4".'
            ),
        ),
        (
            "[data.x]\nnpm = 'a@1'",
            (
                "line 2: data.x.npm needs file: the path of the data inside the package. "
                'Write file = "package/data/file.csv".'
            ),
        ),
        ("[data.x]\npath = 'a'\nfile = 'b'", "line 3: data.x.file belongs to pypi and npm, not to path. Remove it."),
        (
            "[data.x]\npath = 'a'\nsha256 = 'abc'",
            (
                "line 3: data.x.sha256 is not a sha256: 64 hexadecimal digits. "
                "Copy what sha256sum prints, or leave it out: nivis lock records it."
            ),
        ),
        (
            "[params]\nday = 2026-01-01",
            (
                "line 2: params.day must be text, a number, a boolean, a list or a table, but it is a date or time. "
                "Write it in quotes."
            ),
        ),
        ("[params]\nm.x = inf", "line 2: params.m.x must be a finite number, but it is inf. Write it in quotes."),
        (
            "[experiment]\ngoal = { metric = 'trian.acc', at-least = 1 }\n[steps.train]\nrun = 'x'\nmetrics=['m.json']",
            "line 2: experiment.goal.metric names no step: there is no step 'trian'. Did you mean 'train'?",
        ),
        (
            "[experiment]\ngoal = { metric = 'train.acc', at-least = 1 }\n[steps.train]\nrun = 'x'",
            (
                "line 2: experiment.goal.metric cannot be had: step 'train' lists no metrics. "
                'Write metrics = ["metrics.json"] under [steps.train].'
            ),
        ),
        (
            "[experiment]\ngoal = { metric = 'train', at-least = 1 }",
            "line 2: experiment.goal.metric must be step.key, but it is 'train'. Write metric = \"train.accuracy\".",
        ),
        (
            "[experiment]\ngoal = { metric = 'train.acc' }",
            (
                "line 2: experiment.goal must have either at-least or at-most. "
                'Write goal = { metric = "train.accuracy", at-least = 0.95 }.'
            ),
        ),
    ],
)
def test_error(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode_experiment(text, FOLDER)
    assert str(caught.value) == f"{FILE}, {message}"
    assert caught.value.exit_code == 2


def test_problems_are_collected() -> None:
    with pytest.raises(NivisError) as caught:
        decode_experiment("[experiment]\ntrl = 0\n[steps.x]\nrun = 'x'\ncores = 0\noutpts = 1\n", FOLDER)
    assert str(caught.value).split("\n") == [
        f"{FILE}, line 6: steps.x: unknown key 'outpts'. Did you mean 'outputs'?",
        f"{FILE}, line 5: steps.x.cores must be 1 or more, but it is 0.",
        f"{FILE}, line 2: experiment.trl must be between 1 and 9, but it is 0.",
    ]


def test_folder_that_is_no_name() -> None:
    with pytest.raises(NivisError) as caught:
        decode_experiment("", PurePosixPath("experiments/a b"))
    assert str(caught.value) == (
        "experiments/a b/experiment.toml: the folder's name 'a b' is not a name for an experiment. "
        f"{RULE} Rename the folder, or set name under [experiment]."
    )
