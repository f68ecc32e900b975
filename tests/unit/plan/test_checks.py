"""Checks in the plan: what they test, which steps wait for them, and the whole text of every error."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from nivis.errors import NivisError
from nivis.lock.model import LockedData
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Project
from nivis.manifest.params import with_profile
from nivis.plan.build import build_plan
from nivis.plan.instances import reading

FOLDER = PurePosixPath("experiments/x")
BASE = """
[params]
low = 20
floor = 0.9
sizes = [1, 2]
name = "clean"
[profiles.smoke]
low = 30
[data.birds]
path = "birds.csv"
[data.other]
path = "other.dat"
[data.secret]
path = "secret.csv"
sensitive = true
[steps.clean]
run = "cp ${data.birds} ${out}/clean.csv"
[steps.train]
run = "x ${steps.clean} > ${out}/m.json"
metrics = ["m.json"]
[steps.sweep]
run = "x ${steps.clean} ${matrix.c} > ${out}/m.json"
matrix = { c = [0.1, 1] }
metrics = ["m.json"]
[steps.late]
run = "x ${steps.train} ${steps.sweep}"
[steps.apart]
run = "x ${data.other}"
[steps.hidden]
run = "x ${data.secret}"
"""
ABOUT = '[checks.c]\nwhy = "w"\nfix = "f"\n'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "check.py").write_text("")
    return Project(root=tmp_path, name="p")


def plan(project: Project, text: str, profile: str = "", base: str = BASE) -> dict[str, Any]:
    (project.root / FOLDER / "experiment.toml").write_text(base + text)
    experiment = decode_experiment(base + text, FOLDER)
    data = {
        name: LockedData(name=entry.origin.path, origin={"path": entry.origin.path}, sha256="a" * 64)  # type: ignore[union-attr]
        for name, entry in experiment.data.items()
    }
    return build_plan(project, with_profile(experiment, profile) if profile else experiment, data)


def problems(project: Project, text: str, base: str = BASE) -> list[str]:
    with pytest.raises(NivisError) as caught:
        plan(project, text, base=base)
    return [str(part).partition(": ")[2] for part in caught.value.parts()]


def guards(found: dict[str, Any]) -> dict[str, list[str]]:
    return {name: step["guards"] for name, step in found["steps"].items() if "guards" in step}


def test_a_plan_without_checks_knows_nothing_of_them(project: Project) -> None:
    found = plan(project, "")
    assert found["version"] == 2
    assert "checks" not in found
    assert guards(found) == {}


def test_rules_for_a_data_set(project: Project) -> None:
    rules = 'data = "birds"\nna-values = ["-"]\ncolumns.bill = { between = ["${params.low}", 70.5] }'
    found = plan(project, ABOUT + rules)
    assert found["version"] == 3
    assert found["checks"] == {
        "c": {
            "why": "w",
            "fix": "f",
            "severity": "block",
            "data": ["birds"],
            "steps": [],
            "table": {"data": "birds", "path": ""},
            "rules": (
                '{"columns":{"bill":{"at-least":20,"at-most":70.5,"type":"number"}},"format":"csv","na-values":["-"]}'
            ),
        }
    }
    assert guards(found) == {"clean": ["c"]}
    assert '"at-least":30' in plan(project, ABOUT + rules, "smoke")["checks"]["c"]["rules"]


def test_rules_for_what_a_step_wrote(project: Project) -> None:
    found = plan(project, ABOUT + 'table = "${steps.clean}/sub/${params.name}.CSV.gz"\ncolumns = ["a"]')
    check = found["checks"]["c"]
    assert check["table"] == {"step": "clean", "path": "sub/clean.CSV.gz"}
    assert (check["data"], check["steps"]) == ([], ["clean"])
    assert check["rules"] == '{"columns":{"a":{}},"format":"csv"}'
    assert guards(found) == {"train": ["c"], "sweep": ["c"]}


def test_a_command_is_planned_as_a_step(project: Project) -> None:
    found = plan(project, ABOUT + 'run = "python check.py ${steps.sweep} ${params.low} ${out}"')
    check = found["checks"]["c"]
    assert check["run"] == ["python check.py ", {"step": "sweep"}, " 20 ", {"out": True}]
    assert (check["files"], check["params"], check["steps"]) == ([f"{FOLDER}/check.py"], '{"low":20}', ["sweep"])
    assert guards(found) == {"late": ["c"]}
    assert [step["files"] for step in reading(found)][-1] == [f"{FOLDER}/check.py"]


@pytest.mark.parametrize(
    ("metric", "planned"),
    [
        ("train.accuracy", {"step": "train", "key": "accuracy"}),
        ("sweep.a.b", {"step": "sweep", "key": "a.b"}),
        ("sweep@c=0.1.a.b", {"step": "sweep", "label": "c=0.1", "key": "a.b"}),
        ("sweep@c=1.5", {"step": "sweep", "label": "c=1", "key": "5"}),
    ],
)
def test_a_metric(project: Project, metric: str, planned: dict[str, str]) -> None:
    found = plan(project, ABOUT + f'metric = "{metric}"\nat-least = "${{params.floor}}"\nat-most = 1')
    assert found["checks"]["c"] == {
        "why": "w",
        "fix": "f",
        "severity": "block",
        "data": [],
        "steps": [planned["step"]],
        "metric": planned,
        "rules": '{"at-least":0.9,"at-most":1}',
    }
    assert guards(found) == {"late": ["c"]}


def test_a_warning_guards_nothing(project: Project) -> None:
    found = plan(project, ABOUT + 'data = "birds"\nseverity = "warn"\nrows = 3')
    assert guards(found) == {}


def test_of_two_things_the_later_one_is_guarded(project: Project) -> None:
    found = plan(project, ABOUT + 'run = "x ${data.birds} ${data.other} ${steps.clean}"')
    assert guards(found) == {"train": ["c"], "sweep": ["c"], "apart": ["c"]}


def test_several_checks(project: Project) -> None:
    text = "".join(f'[checks.{name}]\nwhy = "w"\nfix = "f"\ndata = "birds"\nrows = 3\n' for name in "ba")
    assert guards(plan(project, text)) == {"clean": ["a", "b"]}


@pytest.mark.parametrize("table", ["${data.secret}", "${steps.hidden}/t.csv"])
def test_of_sensitive_data_no_values_are_told(project: Project, table: str) -> None:
    assert plan(project, ABOUT + f'table = "{table}"\nrows = 3')["checks"]["c"]["sensitive"] is True


def test_checks_that_wait_for_one_another(project: Project) -> None:
    base = "".join(f"[data.{name}]\npath = '{name}'\n" for name in "ac") + (
        "[steps.first]\nrun = 'x ${data.a}'\n[steps.d]\nrun = 'x ${steps.first}'\n"
        "[steps.second]\nrun = 'x ${data.c}'\n[steps.b]\nrun = 'x ${steps.second}'\n"
    )
    text = "".join(
        f'[checks.{name}]\nwhy = "w"\nfix = "f"\nrun = "x {refs}"\n'
        for name, refs in (("one", "${data.a} ${steps.b}"), ("two", "${data.c} ${steps.d}"))
    )
    assert problems(project, text, base) == [
        "checks: steps and the checks that guard what they read wait for one another: "
        "b → checks.one → first → d → checks.two → second → b. "
        "Split a check that refers to several steps into one for each."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data = "brids"\nrows = 3', "checks.c.data: no data set named 'brids'. Did you mean 'birds'?"),
        ('table = "${steps.claen}/x.csv"\nrows = 3', "checks.c.table: no step named 'claen'. Did you mean 'clean'?"),
        (
            'table = "birds.csv"\nrows = 3',
            (
                "checks.c.table: 'birds.csv' does not begin with a data set or a step. Write ${data.NAME} "
                "or ${steps.NAME}/FILE; a file of the project is declared under [data]."
            ),
        ),
        (
            'table = "${steps.clean}"\nrows = 3',
            "checks.c.table: ${steps.clean} is a folder. A file below it is written ${steps.clean}/table.csv.",
        ),
        (
            'table = "${steps.clean}x.csv"\nrows = 3',
            "checks.c.table: '${steps.clean}x.csv' is not a path below ${steps.clean}. Write ${steps.clean}/FILE.",
        ),
        (
            'table = "${steps.clean}/${out}"\nrows = 3',
            "checks.c.table: ${out} cannot stand here: only parameters can. Name one table.",
        ),
        (
            'table = "${steps.clean}/${params.nam}"\nrows = 3',
            "checks.c.table: no parameter named 'nam'. Did you mean 'name'?",
        ),
        (
            'data = "other"\nrows = 3',
            (
                "checks.c.data: the name 'other.dat' does not say which format it has. Write format = "
                '"csv" (known: csv, tsv, json, jsonl, parquet).'
            ),
        ),
        (
            'data = "birds"\ncolumns.a.at-least = "${params.lo}"',
            "checks.c.columns: no parameter named 'lo'. Did you mean 'low'?",
        ),
        (
            'data = "birds"\ncolumns.a.one-of = ["x ${params.low}"]',
            (
                "checks.c.columns: 'x ${params.low}' cannot stand here: only a parameter by itself can. "
                'Write "${params.x}".'
            ),
        ),
        (
            'data = "birds"\ncolumns.a.at-least = "${params.name}"',
            "checks.c.columns.a.at-least: must be a number or a date, but it is 'clean'. Write a date as 2026-11-20.",
        ),
        ('metric = "trian.a"\nat-least = 1', "checks.c.metric: no step named 'trian'. Did you mean 'train'?"),
        (
            'metric = "clean.a"\nat-least = 1',
            (
                "checks.c.metric: cannot be had: step 'clean' lists no metrics. Write metrics = "
                '["metrics.json"] under [steps.clean].'
            ),
        ),
        (
            'metric = "train@c=1.a"\nat-least = 1',
            "checks.c.metric: step 'train' is not swept: it has no instances. Write train.a.",
        ),
        (
            'metric = "sweep@c=0.2.a"\nat-least = 1',
            "checks.c.metric: step 'sweep' has no instance 'c=0.2'. Did you mean 'sweep@c=0.1.a'?",
        ),
        (
            'metric = "train.a"\nat-least = "${params.name}"',
            "checks.c.at-least: must be a finite number, but it is a string.",
        ),
        (
            'metric = "train.a"\nat-least = "${params.nam}"',
            "checks.c.at-least: no parameter named 'nam'. Did you mean 'name'?",
        ),
        ('run = "python chekc.py"', f"checks.c.run: no file 'chekc.py' in {FOLDER}. Did you mean 'check.py'?"),
        ('run = "x ${steps.trian}"', "checks.c.run: no step named 'trian'. Did you mean 'train'?"),
        (
            'run = "x ${matrix.c}"',
            (
                "checks.c.run: ${matrix.c} cannot stand in a check: it is one for all instances. Refer to "
                "${steps.NAME}: it stands for the folders of all of them."
            ),
        ),
        (
            'run = "x"\nenv.A = "${data.birds}"',
            (
                "checks.c.env.A: ${data.birds} cannot stand here: only parameters can. Set it in run: "
                "export NAME=${data.birds}."
            ),
        ),
    ],
)
def test_error(project: Project, text: str, message: str) -> None:
    assert problems(project, ABOUT + text) == [message]


def test_the_line_of_an_error(project: Project) -> None:
    with pytest.raises(NivisError) as caught:
        plan(project, ABOUT + 'data = "brids"\nrows = 3')
    line = (BASE + ABOUT).count("\n") + 1
    assert str(caught.value).startswith(f"experiments/x/experiment.toml, line {line}: checks.c.data: ")


def test_a_folder(project: Project) -> None:
    base = '[data.many]\npath = "many"\n'
    text = base + ABOUT + 'data = "many"\nrows = 3'
    (project.root / FOLDER / "experiment.toml").write_text(text)
    data = {"many": LockedData(name="many", origin={"path": "many"}, tree="sha256-x")}
    with pytest.raises(NivisError) as caught:
        build_plan(project, decode_experiment(text, FOLDER), data)
    assert str(caught.value) == (
        "experiments/x/experiment.toml, line 6: checks.c.data: data set 'many' is a folder. "
        'A file below it is written table = "${data.many}/table.csv".'
    )
