"""Steps with instances: what is shared, what differs, and references that make no sense."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Project
from nivis.manifest.params import with_profile
from nivis.plan.build import build_plan
from nivis.plan.instances import instances, names, swept, tools_of

FOLDER = PurePosixPath("experiments/x")
TRAIN = (
    "[params]\ngrid = [1, 2]\nk = 3\n[profiles.smoke]\ngrid = [1]\n[steps.train]\nmatrix = { c = '${params.grid}' }\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / FOLDER).mkdir(parents=True)
    for name in ("one.py", "two.py", "1.json"):
        (tmp_path / FOLDER / name).write_text("")
    (tmp_path / FOLDER / "asks.py").write_text("NIVIS_PARAMS")
    return Project(root=tmp_path, name="p")


def plan(project: Project, text: str, profile: str = "") -> dict[str, Any]:
    (project.root / FOLDER / "experiment.toml").write_text(text)
    experiment = decode_experiment(text, FOLDER)
    return build_plan(project, with_profile(experiment, profile) if profile else experiment, {})


def problems(project: Project, text: str) -> list[str]:
    with pytest.raises(NivisError) as caught:
        plan(project, text)
    return [str(part).partition(": ")[2] for part in caught.value.parts()]


def test_a_swept_step(project: Project) -> None:
    step = plan(project, TRAIN + "run = 'python one.py ${matrix.c} ${out}'\n")["steps"]["train"]
    assert {key: step[key] for key in ("run", "files", "params", "env", "instances")} == {
        "run": ["python one.py ", {"text": 0}, " ", {"out": True}],
        "files": [f"{FOLDER}/one.py"],
        "params": "{}",
        "env": {},
        "instances": {"c=1": {"values": '{"c":1}', "texts": ["1"]}, "c=2": {"values": '{"c":2}', "texts": ["2"]}},
    }
    assert "along" not in step


def test_tools_are_the_steps_and_only_there_where_asked_for(project: Project) -> None:
    steps = plan(project, "[steps.a]\nrun = 'x'\ntools = ['samtools', 'bwa']\n[steps.b]\nrun = 'x'\ntools = []\n")
    assert steps["steps"]["a"]["tools"] == ["bwa", "samtools"]
    assert "tools" not in steps["steps"]["b"]
    assert tools_of(steps) == {"bwa samtools"}


def test_what_differs_stands_with_the_instance(project: Project) -> None:
    text = (
        "[steps.s]\nmatrix = { name = ['one', 'two'] }\nrun = 'python ${matrix.name}.py'\nenv.N = 'n ${matrix.name}'\n"
    )
    step = plan(project, text)["steps"]["s"]
    assert step["files"] == [f"{FOLDER}/one.py"]
    assert step["instances"]["name=two"] == {
        "values": '{"name":"two"}',
        "texts": ["two"],
        "files": [f"{FOLDER}/two.py"],
        "env": {"N": "n two"},
    }


def test_files_that_a_value_names(project: Project) -> None:
    step = plan(project, TRAIN + "run = 'cat ${matrix.c}.json'\n")["steps"]["train"]
    assert (step["files"], step["instances"]["c=2"]["files"]) == ([f"{FOLDER}/1.json"], [])


def test_links_stand_apart_with_what_they_point_to(project: Project) -> None:
    folder = project.root / FOLDER
    (folder / "conf.d").mkdir()
    (folder / "conf.d/c.yaml").write_text("")
    (folder / "conf").symlink_to("conf.d")
    (folder / "latest").symlink_to("one.py")
    text = "[steps.s]\nmatrix = { f = ['latest', 'two.py'] }\nrun = 'cat conf/c.yaml ${matrix.f}'\n"
    step = plan(project, text)["steps"]["s"]
    assert step["files"] == [f"{FOLDER}/conf.d/c.yaml", f"{FOLDER}/one.py"]
    assert step["links"] == {f"{FOLDER}/conf": "conf.d", f"{FOLDER}/latest": "one.py"}
    other = step["instances"]["f=two.py"]
    assert (other["files"], other["links"]) == (
        [f"{FOLDER}/conf.d/c.yaml", f"{FOLDER}/two.py"],
        {f"{FOLDER}/conf": "conf.d"},
    )


def test_values_are_quoted_like_parameters(project: Project) -> None:
    text = "[steps.s]\nmatrix = { v = ['a b', \"it's\"] }\nrun = '''\nx ${matrix.v} \"${matrix.v}\" ${matrix.v}\n'''\n"
    step = plan(project, text)["steps"]["s"]
    assert step["run"] == ["x ", {"text": 0}, ' "', {"text": 1}, '" ', {"text": 0}, "\n"]
    assert [own["texts"] for own in step["instances"].values()] == [["'a b'", "a b"], ["'it'\\''s'", "it's"]]


def test_argument_vectors(project: Project) -> None:
    text = TRAIN + "run = ['x', '${matrix.c}', '-c${matrix.c}']\n[steps.g]\nrun = ['x', '${steps.train}']\n"
    steps = plan(project, text)["steps"]
    assert steps["train"]["argv"] == [["x"], {"raw": [{"text": 0}]}, ["-c", {"text": 1}]]
    assert steps["g"]["argv"] == [["x"], {"raw": [{"step": "train"}]}]


def test_lists_and_tables_as_values(project: Project) -> None:
    text = "[steps.s]\nmatrix = { m = [{ l = [1, 'a b'], k = 2 }] }\nrun = ['x', '${matrix.m.l}', '${matrix.m.k}']\n"
    [own] = plan(project, text)["steps"]["s"]["instances"].values()
    assert own["texts"] == ["1 'a b'", "2"]


def test_swept_along_and_gathered(project: Project) -> None:
    text = (
        TRAIN + "run = 'x'\n[steps.along]\nmatrix = 'train'\nrun = 'x ${steps.train}/y ${matrix.c}'\n"
        "[steps.all]\nrun = 'for f in ${steps.train}; do :; done; x \"${steps.along}\"'\n"
    )
    made = plan(project, text)
    steps = made["steps"]
    assert (steps["along"]["along"], steps["along"]["steps"]) == (["train"], ["train"])
    assert steps["all"]["steps"] == ["along", "train"]
    assert "along" not in steps["all"]
    assert swept(made) == {"along": ["c=1", "c=2"], "train": ["c=1", "c=2"]}
    assert names(made) == [
        "all", "along", "train", "along@c=1", "along@c=2", "train@c=1", "train@c=2",
    ]  # fmt: skip
    assert dict(instances(made))["along@c=2"]["texts"] == ["2"]


def test_lists_that_a_step_is_swept_over_are_no_parameters_of_it(project: Project) -> None:
    steps = plan(project, TRAIN + "run = 'python asks.py ${matrix.c}'\n[steps.g]\nrun = 'python asks.py'\n")["steps"]
    assert (steps["train"]["params"], steps["g"]["params"]) == ('{"k":3}', '{"grid":[1,2],"k":3}')
    assert plan(project, TRAIN + "run = 'x $NIVIS_PARAMS ${params.grid}'\n")["steps"]["train"]["params"] == (
        '{"grid":[1,2],"k":3}'
    )


def test_adding_a_value_leaves_the_others_as_they_are(project: Project) -> None:
    text = TRAIN + "run = 'python asks.py ${matrix.c}'\n"
    before = dict(instances(plan(project, text)))
    after = dict(instances(plan(project, text.replace("[1, 2]", "[3, 2, 1]"))))
    for name, step in before.items():
        assert {**after[name], "instances": None} == {**step, "instances": None}


def test_a_profile(project: Project) -> None:
    made = plan(project, TRAIN + "run = 'x ${matrix.c}'\n", "smoke")
    assert (made["name"], made["variant"], made["profile"], made["overrides"]) == (
        "x", "x-smoke", "smoke", '{"grid":[1]}',
    )  # fmt: skip
    assert made["params"] == '{"grid":[1],"k":3}'
    assert swept(made) == {"train": ["c=1"]}


LOOP = (
    'Write: for folder in ${steps.train}; do … "$folder/m.json"; done. '
    'Or take the instances one by one: matrix = "train".'
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run = 'cat ${steps.train}/m.json'", ("${steps.train} stands for the folders of all instances, "
         f"so that '/m.json' cannot follow it. {LOOP}")),
        ("run = 'cat \"${steps.train}/m.json\"'", ("${steps.train} stands for the folders of all instances, "
         f"so that '/m.json' cannot follow it. {LOOP}")),
        ("run = 'x --in=${steps.train} y'",
         ("${steps.train} stands for several words, so that '--in=' cannot precede it. "
         "Put a blank between them, or quotes around both.")),
        ("run = ['x', '--in=${steps.train}']", ("${steps.train} stands for several folders, so that it must be an "
         "argument of its own. Write it as one, or run a loop in a bash script.")),
        ("run = 'x ${matrix.c}'",
         ("${matrix.c} needs a matrix, and step 's' has none. Write matrix = { c = [0.1, 1.0] } "
         'under [steps.s], or matrix = "train" to run once for each of its instances.')),
        ("matrix = 'train'\nrun = 'x ${matrix.d}'", "no value named 'd' in the matrix. Known: c."),
        ("run = 'x ${steps.train@c=1}'",
         ("${steps.train@c=1} names one instance, but a step takes all of them or its own. "
         "${steps.train} stands for all; the file $NIVIS_INPUTS lists them with label, path and values.")),
        ("matrix = { v = ['a b'] }\nrun = 'x `y ${matrix.v}`'",
         ("${matrix.v} stands in backquotes, where its value cannot "
         "be written. Write $(…) instead of backquotes.")),
        ("matrix = { v = [{ a = 1 }] }\nrun = 'x ${matrix.v}'",
         ("${matrix.v} is a table, not a value. Refer to what is in it "
         "(${matrix.v.a}), or read the file $NIVIS_INPUTS.")),
        ("matrix = { v = [1, 2] }\nrun = 'x ${steps.train}/m ${matrix.v}'",
         ("${steps.train} stands for the folders of all "
         f"instances, so that '/m' cannot follow it. {LOOP.replace('m.json', 'm')}")),
    ],
)  # fmt: skip
def test_references_that_make_no_sense(project: Project, text: str, message: str) -> None:
    assert problems(project, TRAIN + f"run = 'x'\n[steps.s]\n{text}\n") == [f"steps.s.run: {message}"]


def test_a_problem_of_a_matrix_is_told_once(project: Project) -> None:
    text = (
        "[steps.train]\nmatrix = { c = '${params.no}' }\nrun = 'x ${matrix.c}'\n[steps.g]\nrun = 'x ${steps.train}/y'\n"
    )
    assert problems(project, text) == [
        "steps.train.matrix: no parameter named 'no'. Declare it: [params] no = [0.1, 1.0]."
    ]


def test_a_name_that_is_too_long_for_the_store(project: Project) -> None:
    step = "s" * 200
    assert problems(project, f"[steps.{step}]\nmatrix = {{ c = [1, 200] }}\nrun = 'x'\n") == [
        f"steps.{step}.matrix: instance c=200 would have a name of 208 characters, but the store allows 207. "
        "Shorten the name of the experiment, of the step or of a value."
    ]
