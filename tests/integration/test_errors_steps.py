"""What programs expect of a system, in a sandbox that has none of it: the same on every version of Nix."""

from __future__ import annotations

import json

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]
FOLDER = "experiments/2026-11-20-odd lab ü"


def lab(project: Project, steps: str, **files: str) -> None:
    project.write(f"{FOLDER}/experiment.toml", f'[experiment]\nname = "lab"\n{steps}')
    for name, content in files.items():
        project.write(f"{FOLDER}/{name}", content)


def executable(project: Project, name: str, content: str) -> None:
    project.write(f"{FOLDER}/{name}", content)
    (project.root / FOLDER / name).chmod(0o755)


def result(project: Project, path: str) -> str:
    return (project.root / "generated/lab/steps" / path).read_text(encoding="utf-8")


def test_executable_scripts_run_by_their_first_line(project: Project, salt: str) -> None:
    executable(project, "tool.sh", f'#!/bin/sh\necho {salt} > "$1"\n')
    executable(project, "bash -e.sh", "#!/bin/bash -e\nfalse\necho never\n")
    executable(project, "tool", "#!/usr/bin/env python3\nimport sys; print(sys.executable.rpartition('/')[2])\n")
    executable(project, "split", "#!/usr/bin/env -S python3 -I\nimport sys; print(sys.flags.isolated)\n")
    run = "./tool.sh ${out}/a; ! './bash -e.sh' > ${out}/b; ./tool > ${out}/c; ./split > ${out}/d"
    lab(project, f'[steps.run]\nrun = "{run}"\noutputs = ["a", "b", "c", "d"]')
    project.nivis("build", "lab")
    assert [result(project, f"run/{name}") for name in "abcd"] == [f"{salt}\n", "", "python3\n", "1\n"]


def test_an_interpreter_that_is_not_there_is_named(project: Project, salt: str) -> None:
    executable(project, "tool.jl", f"#!/usr/bin/env julia\n# {salt}\n")
    lab(project, '[steps.run]\nrun = "./tool.jl"')
    error = project.nivis("build", "lab", code=1).err
    assert "julia" in error
    assert "No such file or directory" in error


def test_odd_names_arrive_as_they_are(project: Project, salt: str) -> None:
    names = ["with space.txt", "it's.txt", "ünï.txt"]
    for name in [*names, "-dash.txt"]:
        project.write(f"{FOLDER}/{name}", f"{salt} {name}\n")
    (project.root / FOLDER / "link.txt").symlink_to("with space.txt")
    run = """cat 'with space.txt' "it's.txt" ünï.txt ./-dash.txt link.txt > "${out}/all of ü.txt\""""
    lab(project, f"[steps.run]\nrun = '''{run}'''\noutputs = [\"all of ü.txt\"]")
    project.nivis("build", "lab")
    lines = [*names, "-dash.txt", "with space.txt"]
    assert result(project, "run/all of ü.txt") == "".join(f"{salt} {name}\n" for name in lines)


def test_links_are_links(project: Project, salt: str) -> None:
    project.write(f"{FOLDER}/conf.d/a b.txt", salt)
    project.write("src/helper.txt", salt)
    for name, target in {"conf": "conf.d", "short": "conf/a b.txt", "shared": "../../src"}.items():
        (project.root / FOLDER / name).symlink_to(target)
    lab(
        project,
        '[steps.run]\nrun = "cat conf/* short shared/helper.txt > ${out}/x; readlink conf short shared > ${out}/y"',
    )
    project.nivis("build", "lab")
    assert result(project, "run/x") == salt * 3
    assert result(project, "run/y") == "conf.d\nconf/a b.txt\n../../src\n"


def test_text_arrives_whatever_is_in_it(project: Project, salt: str) -> None:
    text = f'it\'s "quoted"\n$HOME `x` \\ ünï {salt}'
    steps = f"""[params]
text = {json.dumps(text)}
[steps.words]
run = ["python", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", "${{out}}/x", "${{params.text}}"]
[steps.script]
run = "printf %s ${{params.text}} > ${{out}}/x"
"""
    lab(project, steps)
    project.nivis("build", "lab")
    assert result(project, "words/x") == result(project, "script/x") == text


PROBE = """
import json, multiprocessing, os, subprocess, sys, tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory
if __name__ == "__main__":
    memory = shared_memory.SharedMemory(create=True, size=10)
    memory.close(), memory.unlink()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        squares = list(pool.map(abs, [-1, -2]))
    open(__file__, "a").write("# a step may write to its own copy")
    json.dump({
        "system": os.system("exit 3"),
        "popen": os.popen("echo $0").read().rpartition("/")[2],
        "shell": subprocess.run("echo a | cat", shell=True, capture_output=True, text=True).stdout,
        "which": subprocess.run(["which", "sh"], capture_output=True).returncode,
        "squares": squares,
        "terminal": [os.environ["TERM"], os.environ["NO_COLOR"]],
        "temporary": tempfile.gettempdir() == os.environ["TMP"] == os.environ["TMPDIR"],
        "cores": "NIX_BUILD_CORES" in os.environ,
    }, open(sys.argv[1], "w"))
"""


def test_python_finds_a_shell_processes_and_shared_memory(project: Project, salt: str) -> None:
    lab(project, '[steps.probe]\nrun = "python probe.py ${out}/probe.json"', **{"probe.py": f"# {salt}{PROBE}"})
    project.nivis("build", "lab")
    assert json.loads(result(project, "probe/probe.json")) == {
        "system": 3 << 8,
        "popen": "sh\n",
        "shell": "a\n",
        "which": 0,
        "squares": [1, 2],
        "terminal": ["dumb", "1"],
        "temporary": True,
        "cores": False,
    }


def test_logs_are_text(project: Project, salt: str) -> None:
    run = rf"printf '\\033[31mred\\033[0m {salt}\\n10 %%\\r100 %%\\n'; exit 1"
    lab(project, f'[steps.run]\nrun = "{run}"')
    error = project.nivis("build", "lab", code=1).err
    assert f"\n    red {salt}\n    100 %\n" in error
    assert project.nivis("log", "lab.run").out.startswith(f"red {salt}\n100 %\n")


def test_a_step_that_leaves_a_pipe_behind(project: Project, salt: str) -> None:
    lab(project, f'[steps.run]\nrun = "mkfifo ${{out}}/{salt}"')
    error = project.nivis("build", "lab", code=1).err
    assert f"lab.run: the step failed: it wrote '{salt}', which is neither a file, a folder nor a link." in error


def test_every_step_that_failed_is_remembered(project: Project, salt: str) -> None:
    lab(project, "".join(f'[steps.{name}]\nrun = "echo {salt}; false"\n' for name in ("a", "b")))
    project.nivis("build", "-k", "lab", code=1)
    [experiment] = project.nivis("--json", "status").json["experiments"]
    assert {step["name"]: step["state"] for step in experiment["steps"]} == {"a": "failed", "b": "failed"}


def test_a_project_without_experiments(project: Project) -> None:
    assert "no experiments yet; 'nivis new NAME' begins one" in project.nivis("build").err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1} x', "metrics: m.json is not readable: Extra data"),
        ("[1]", "metrics: m.json must be a table of numbers, but it is a list. Correct what it writes."),
    ],
)
def test_metrics_that_are_none(project: Project, salt: str, content: str, message: str) -> None:
    lab(
        project,
        f"[steps.run]\nrun = '''cat m.json > ${{out}}/m.json # {salt}'''\nmetrics = ['m.json']",
        **{"m.json": content},
    )
    assert f"nivis: lab.run: {message}" in project.nivis("build", "lab", code=1).err


def test_metrics_that_are_no_numbers_stay_valid_json(project: Project, salt: str) -> None:
    run = "echo '{loss: .nan, best: .inf, last: [1.5, -.inf], day: \\\"2026-11-20\\\"}' > ${out}/m.yaml"
    lab(project, f"[steps.run]\nrun = \"{run} # {salt}\"\nmetrics = ['m.yaml']")
    [done] = project.nivis("--json", "build", "lab").json["results"]
    assert done["metrics"] == {"run": {"loss": None, "best": None, "last": [1.5, None], "day": "2026-11-20"}}
