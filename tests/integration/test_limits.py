"""Limits on real Nix: what runs beside what, what is stopped, what is tried again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]


def experiment(project: Project, text: str, name: str = "lab") -> None:
    project.write(f"experiments/{name}/experiment.toml", text)


def timed(salt: str, name: str, *more: str, seconds: float = 0.4) -> str:
    """Return a step that tells when it began and ended."""
    run = f"echo begin $(date +%s.%N); sleep {seconds}; echo {salt} {name} > ${{out}}/x; echo end $(date +%s.%N)"
    return "\n".join([f"[steps.{name}]", f"run = '''{run}'''", *more, ""])


def spans(project: Project, steps: list[str]) -> dict[str, tuple[float, float]]:
    """Return when each step began and ended, from their logs."""
    found = {}
    for step in steps:
        log = project.nivis("log", f"lab.{step}").out
        [begin, end] = [float(re.search(rf"^{word} (\S+)$", log, re.MULTILINE)[1]) for word in ("begin", "end")]  # type: ignore[index]
        found[step] = (begin, end)
    return found


def most(spans: dict[str, tuple[float, float]], weights: dict[str, int]) -> int:
    """Return the largest sum of weights of what ran at one time."""
    return max(sum(weights[o] for o, (b, e) in spans.items() if b <= begin < e) for begin, _ in spans.values())


def test_cores_memory_and_locks_are_never_exceeded(project: Project, salt: str) -> None:
    cores = {"a": 2, "b": 1, "c": 1, "d": 3, "e": 1, "f": 1}
    memory = {"a": 100, "b": 200, "c": 250, "d": 50, "e": 100, "f": 200}
    text = "".join(
        timed(salt, name, f"cores = {cores[name]}", f'memory = "{memory[name]} MiB"', "locks = ['x']" if one else "")
        for name, one in {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1, "f": 1}.items()
    )
    experiment(project, text)
    project.nivis("build", "-j", "4", "--memory", "450 MiB")
    ran = spans(project, list(cores))
    assert most(ran, dict.fromkeys(cores, 1)) > 1
    assert most(ran, cores) <= 4
    assert most(ran, memory) <= 450
    first, second = sorted((ran["e"], ran["f"]))
    assert first[1] <= second[0]


def test_results_do_not_depend_on_how_many_run_at_once(project: Project, salt: str) -> None:
    text = f"""
[steps.split]
run = "mkdir ${{out}}/p; for i in 1 2 3 4 5 6; do echo {salt} $i > ${{out}}/p/$i; done"
[steps.each]
foreach = "${{steps.split}}/p/*"
run = "cat ${{item}} > ${{out}}/x; echo $OMP_NUM_THREADS >> ${{out}}/x"
[steps.gather]
run = "cat ${{steps.each}}/x > ${{out}}/all || for f in ${{steps.each}}; do cat $f/x; done > ${{out}}/all"
"""
    text = text.replace("cat ${steps.each}/x > ${out}/all || ", "")
    experiment(project, text)
    one = project.nivis("--json", "build", "-j", "1").json["results"][0]
    records = (project.root / "experiments/lab/results.lock").read_bytes()
    assert len(one["built"]) == 8
    experiment(project, text.replace(salt, f"{salt}-other"))
    project.nivis("build", "-j", "8")
    assert (project.root / "experiments/lab/results.lock").read_bytes() != records
    experiment(project, text)
    (project.root / "experiments/lab/results.lock").unlink()
    eight = project.nivis("--json", "build", "-j", "8").json["results"][0]
    assert (eight["output"], eight["built"]) == (one["output"], [])
    assert (project.root / "experiments/lab/results.lock").read_bytes() == records
    assert project.nix_built("experiment-lab") == one["output"]


def test_a_step_that_takes_too_long_is_stopped(project: Project, salt: str) -> None:
    experiment(project, f"[steps.slow]\nrun = 'echo {salt}; sleep 60'\ntimeout = '1 s'\n")
    error = project.nivis("build", code=1).err
    assert "nivis: lab.slow: the step failed: it took longer than its timeout of 1 s; its last lines:\n" in error
    assert f"    {salt}\n" in error
    [step] = project.nivis("--json", "status").json["experiments"][0]["steps"]
    assert step["state"] == "failed"


def test_a_step_is_tried_again(project: Project, salt: str) -> None:
    experiment(project, f"[steps.flaky]\nrun = 'echo {salt}; exit 3'\nretries = 2\n")
    error = project.nivis("build", code=1).err
    assert error.count("lab.flaky: the step failed with exit code 3; trying again (1 of 2)\n") == 1
    assert error.count("lab.flaky: the step failed with exit code 3; trying again (2 of 2)\n") == 1
    assert error.count("nivis: lab.flaky: the step failed with exit code 3; its last lines:\n") == 1


def test_a_step_that_takes_too_long_is_tried_again(project: Project, salt: str) -> None:
    experiment(project, f"[steps.slow]\nrun = 'echo {salt}; sleep 60'\ntimeout = 1\nretries = 1\n")
    error = project.nivis("build", code=1).err
    assert "lab.slow: the step failed: it took longer than its timeout of 1 s; trying again (1 of 1)\n" in error


HUNGRY = "python -c 'import time; x = bytearray(200 << 20); time.sleep(%s)'; echo SALT > ${out}/x"


def test_a_step_that_uses_too_much_memory_is_stopped(project: Project, salt: str) -> None:
    experiment(project, f'[steps.big]\nrun = """{HUNGRY % 30}"""\nmemory = "100 MiB"\n'.replace("SALT", salt))
    error = project.nivis("build", code=1).err
    [line] = [line for line in error.splitlines() if line.startswith("nivis: ")]
    used = re.fullmatch(
        r"nivis: lab\.big: the step was stopped: it used (\d+) MiB, more than the 100 MiB it may have\. "
        r"Raise memory in its manifest, or let it try again with more: retries = { times = 1, memory = \[\"…\"\] }\.",
        line,
    )
    assert used
    assert 100 < int(used[1]) < 400


def test_a_step_is_tried_again_with_more_memory(project: Project, salt: str) -> None:
    text = f'[steps.big]\nrun = """{HUNGRY % 1}"""\nmemory = "100 MiB"\nretries = {{ memory = ["1 GiB"] }}\n'
    experiment(project, text.replace("SALT", salt))
    ran = project.nivis("--json", "build")
    assert ran.json["results"][0]["built"] == ["lab.big"]
    assert re.search(
        r"^lab\.big: the step was stopped: it used \d+ MiB, more than the 100 MiB it may have; "
        r"trying again with 1\.0 GiB \(1 of 1\)$",
        ran.err,
        re.MULTILINE,
    )


def test_no_other_try_with_memory_that_is_not_there(project: Project, salt: str) -> None:
    experiment(
        project,
        f'[steps.r]\nrun = "echo {salt}; false"\nmemory = "1 GiB"\nretries = {{ memory = ["9000 GiB"] }}\n',
    )
    error = project.nivis("build", "--memory", "2G", code=1).err
    assert "lab.r: no other try, as it would have 9000 GiB of memory, and there are 2.0 GiB\n" in error
    assert "nivis: lab.r: the step failed with exit code 1; its last lines:\n" in error


def test_what_can_never_run_is_refused_before_anything_runs(project: Project, salt: str) -> None:
    experiment(
        project,
        f"""
[steps.first]
run = "echo {salt}"
[steps.large]
run = "ls ${{steps.first}}"
memory = "9000 GiB"
[steps.seeing]
run = "ls ${{steps.large}}"
gpus = 64
""",
    )
    document = project.nivis("--json", "build", "--memory", "2G", "--gpus", "1", code=2).json
    assert [f"{p['where']}: {p['what']}. {p['hint']}" for p in document["problems"]] == [
        "lab.large: needs 9000 GiB of memory, but there are 2.0 GiB. Lower memory in its manifest, or raise --memory.",
        "lab.seeing: needs 64 GPUs, but there are 1. Run it where there are as many, or say --gpus.",
    ]
    steps = project.nivis("--json", "status").json["experiments"][0]["steps"]
    assert {step["state"] for step in steps} == {"missing"}


def test_what_did_not_run_is_not_linked_when_another_experiment_fails(project: Project, salt: str) -> None:
    experiment(project, f'[steps.bad]\nrun = "echo {salt}; sleep 0.3; false"\n', "bad")
    experiment(project, f'[steps.quick]\nrun = "echo {salt} > ${{out}}/x"\n', "quick")
    experiment(
        project,
        f"""
[steps.one]
run = "sleep 1; echo {salt} > ${{out}}/x"
[steps.two]
run = "cat ${{steps.one}}/x; echo > ${{out}}/x"
""",
        "slow",
    )
    project.nivis("build", "-j", "3", code=1)
    assert sorted(path.name for path in (project.root / "generated").iterdir()) == ["quick"]
    states = {e["name"]: e["state"] for e in project.nivis("--json", "status").json["experiments"]}
    assert states == {"bad": "failed", "quick": "built", "slow": "missing"}
    assert project.built("slow") == ["slow.two"]


def test_going_on_past_failures(project: Project, salt: str) -> None:
    experiment(
        project,
        f"""
[steps.split]
run = "mkdir ${{out}}/p; for i in 1 2 3; do echo {salt} $i > ${{out}}/p/$i; done"
[steps.each]
foreach = "${{steps.split}}/p/*"
run = "grep -v 2$ ${{item}} > ${{out}}/x"
[steps.then]
matrix = "each"
run = "cp ${{steps.each}}/x ${{out}}/x"
[steps.gather]
run = "ls ${{steps.then}}"
""",
    )
    document = project.nivis("--json", "build", "-k", "-j", "1", code=1).json
    assert document["error"]["where"] == "lab.each@2"
    steps = {step["name"]: step for step in project.nivis("--json", "status").json["experiments"][0]["steps"]}
    assert {i["name"]: i["state"] for i in steps["each"]["instances"]} == {"1": "built", "2": "failed", "3": "built"}
    assert {i["name"]: i["state"] for i in steps["then"]["instances"]} == {"1": "built", "2": "missing", "3": "built"}
    assert steps["gather"]["state"] == "missing"


def test_the_longest_path_goes_first(project: Project, salt: str) -> None:
    """Where durations are known; what becomes ready meanwhile goes before what was ready earlier and is short."""
    text = timed(salt, "y", seconds=0.3)
    text += timed(salt, "z", seconds=1.2).replace("echo begin", "cat ${steps.y}/x; echo begin")
    short = [f"a{n}" for n in range(8)]
    text += "".join(timed(salt, name, seconds=0.8) for name in short)
    experiment(project, text)
    project.nivis("build", "-j", "8")
    experiment(project, text.replace(salt, f"{salt}-2"))
    project.nivis("build", "-j", "2")
    logs = spans(project, ["y", "z", *short])
    begins = {name: begin for name, (begin, _) in logs.items()}
    assert sorted(begins, key=begins.__getitem__).index("y") < 2
    assert any(begins[name] > begins["z"] for name in short)


def test_a_plain_run_says_what_happens(project: Project, salt: str) -> None:
    experiment(project, timed(salt, "a", seconds=1.2) + timed(salt, "b", seconds=0.1) + timed(salt, "c", seconds=0.1))
    lines = project.nivis("build", "-j", "2").err.splitlines()
    assert not [line for line in lines if "Traceback" in line]
    assert any(re.fullmatch(r"built 4 parts in \d+\.\d s", line) for line in lines), lines
    assert json.loads(Path(project.root / ".nivis/state.json").read_text())["steps"].keys() == {
        "lab.a",
        "lab.b",
        "lab.c",
    }
