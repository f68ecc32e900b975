"""Steps that fail, and builds that are broken off: what is said, and what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.project import NIVIS, Project

pytestmark = [pytest.mark.nix, pytest.mark.network]


def one_step(project: Project, run: str, *more: str) -> None:
    lines = ["[experiment]", "[steps.work]", f"run = '''{run}'''", *more]
    project.write("experiments/lab/experiment.toml", "\n".join(lines) + "\n")


def leftovers(project: Project) -> list[str]:
    """Return what looks like half of a file."""
    found = (path for path in project.root.rglob("*") if ".git" not in path.parts)
    return sorted(str(path) for path in found if path.name.endswith((".tmp", ".partial", ".new")))


def test_a_step_that_fails(project: Project, salt: str) -> None:
    one_step(project, f"for i in $(seq 1 40); do echo line $i; done; echo {salt} >&2; exit 7")
    error = project.nivis("build", "lab", code=1).err
    last = "".join(f"    line {i}\n" for i in range(31, 41))
    assert "nivis: lab.work: the step failed with exit code 7; its last lines:\n" in error
    assert f"{last}    {salt}\n    the command ended with status 7\n" in error
    assert "line 29" not in error.partition("; its last lines:")[2]
    assert "'nivis log lab.work' shows the whole log, 'nivis shell lab.work' enters its folder as it left it." in error
    assert "Traceback" not in error
    log = project.nivis("log", "lab.work").out
    assert log.splitlines()[:40] == [f"line {i}" for i in range(1, 41)]
    assert salt in log
    [experiment] = project.nivis("--json", "status").json["experiments"]
    assert experiment["state"] == "failed"
    assert not (project.root / "generated/lab").exists()
    document = project.nivis("--json", "build", "lab", code=1).json
    assert document["error"]["where"] == "lab.work"


def test_entering_the_environment_of_a_step_that_failed(project: Project, salt: str) -> None:
    one_step(project, f"echo {salt} > ${{out}}/half.txt; exit 3")
    project.nivis("build", "lab", code=1)
    said = project.nivis("shell", "lab.work", "--", "bash", "-c", 'bash "$NIVIS_RUN"; echo $?; cat "$out/half.txt"')
    assert said.out.split() == ["3", salt]


def test_a_missing_output_is_named_with_what_was_written(project: Project, salt: str) -> None:
    one_step(project, f"echo {salt} > ${{out}}/table.cvs", 'outputs = ["table.csv"]', 'metrics = ["m.json"]')
    error = project.nivis("build", "lab", code=1).err
    assert "lab.work: the step did not write 'table.csv', 'm.json':\n" in error
    assert "it wrote instead:\n      table.cvs\n" in error


def test_one_failure_does_not_stop_the_others_with_keep_going(project: Project, salt: str) -> None:
    project.write(
        "experiments/lab/experiment.toml",
        f"""
[steps.bad]
run = "echo {salt}; false"

[steps.good]
run = "sleep 1; echo {salt} > ${{out}}/x"

[steps.worse]
run = "echo {salt}; echo oh no; exit 2"

[steps.after]
run = "cat ${{steps.bad}}/x"
""",
    )
    document = project.nivis("--json", "build", "--keep-going", code=1).json
    assert sorted(problem["where"] for problem in document["problems"]) == ["lab.bad", "lab.worse"]
    assert project.built("lab.good") == []


@pytest.fixture
def slow(project: Project, salt: str) -> Project:
    """Return a project whose first step is quick and whose second runs until a file of the host lets it go."""
    project.write(
        "experiments/lab/experiment.toml",
        f"""
[steps.quick]
run = "echo {salt} > ${{out}}/x"

[steps.slow]
run = "cat ${{steps.quick}}/x; echo started; sleep 4; cp ${{steps.quick}}/x ${{out}}/y"
outputs = ["y"]
""",
    )
    return project


def begin(project: Project, *words: str) -> subprocess.Popen[str]:
    """Start a build in a process group of its own, and return when its second step runs."""
    process = subprocess.Popen(
        [*NIVIS, "build", *words],
        cwd=project.root,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if _children(process.pid, "sleep"):
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate())


def _children(pid: int, name: str) -> list[int]:
    """Return the descendants of a process that run a program."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
            names[int(entry.name)] = stat.partition("(")[2].rpartition(")")[0]

    def below(process: int) -> bool:
        while process in parents and process > 1:
            process = parents[process]
            if process == pid:
                return True
        return False

    return [process for process in parents if names[process] == name and below(process)]


def test_ctrl_c_leaves_nothing_half_written_and_the_next_run_goes_on(slow: Project) -> None:
    process = begin(slow)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert error.endswith("interrupted; run the same command again to go on\n")
    assert "Traceback" not in error
    assert leftovers(slow) == []
    assert slow.built("lab") == ["lab.slow"]


def test_killing_leaves_nothing_half_written_and_the_next_run_goes_on(slow: Project) -> None:
    process = begin(slow)
    process.kill()
    process.communicate(timeout=30)
    assert leftovers(slow) == []
    slow.nivis("build", "lab")
    assert (slow.root / "generated/lab/steps/slow/y").exists()
    assert (slow.root / "generated/lab/hashes.txt").exists()


def test_two_builds_at_once_do_not_disturb_each_other(slow: Project) -> None:
    first = begin(slow)
    slow.nivis("build", "lab")
    _, error = first.communicate(timeout=60)
    assert first.returncode == 0, error


def test_ctrl_c_while_locking_leaves_the_lock_as_it_was(project: Project) -> None:
    before = (project.root / "nivis.lock").read_bytes()
    process = subprocess.Popen(
        [*NIVIS, "lock", "--update", "toolchain"],
        cwd=project.root,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(0.7)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode in (0, 130), error
    assert "Traceback" not in error
    if process.returncode == 130:
        assert (project.root / "nivis.lock").read_bytes() == before
    assert leftovers(project) == []
    project.nivis("lock")


def test_a_step_after_one_that_failed_is_not_linked(project: Project, salt: str) -> None:
    text = '[steps.a]\nrun = "echo SALT; exit 3"\n[steps.b]\nrun = "ls ${steps.a}"\n[steps.c]\nrun = "ls ${steps.b}"\n'
    project.write("experiments/lab/experiment.toml", text.replace("SALT", salt))
    said = project.nivis("build", "lab.c", code=1).err
    assert "nivis: lab.a: the step failed with exit code 3" in said
    assert not (project.root / "generated/lab.c").is_symlink()
