"""Recorded results on real Nix: early cutoff, what stands in results.lock, what it is good for later."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.project import NIVIS, Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

MANIFEST = "experiments/lab/experiment.toml"
RECORDS = "experiments/lab/results.lock"
CHAIN = """
[steps.one]
run = "python one.py > ${out}/x"

[steps.two]
run = "sed s/$/-two/ ${steps.one}/x > ${out}/x"

[steps.three]
run = "sed s/$/-three/ ${steps.two}/x > ${out}/x"

[steps.four]
run = "sed s/$/-four/ ${steps.three}/x > ${out}/x"

[steps.five]
run = "sed s/$/-five/ ${steps.four}/x > ${out}/x"
outputs = ["x"]
"""
STEPS = [f"lab.{name}" for name in ("five", "four", "one", "three", "two")]


def result(project: Project) -> str:
    return str((project.root / "generated/lab").readlink())


def records(project: Project) -> dict[str, dict[str, object]]:
    """Return the records by step."""
    raw = json.loads((project.root / RECORDS).read_text())
    return {entry["step"]: {**entry, "key": key} for key, entry in raw.items() if isinstance(entry, dict)}


def delete(project: Project, *paths: str) -> None:
    project.run(["nix-store", "--delete", *paths])


def outs(project: Project) -> dict[str, str]:
    """Return the store paths of the steps themselves, by name."""
    steps = json.loads(Path(result(project), "provenance.json").read_text())["steps"]
    return {name: step["output"] for name, step in steps.items()}


@pytest.fixture
def chain(project: Project, salt: str) -> Project:
    project.write("experiments/lab/one.py", f"print('{salt}')\n")
    project.write(MANIFEST, CHAIN)
    assert project.built("lab") == STEPS
    return project


def test_a_comment_in_the_first_of_five_runs_one_step(chain: Project, salt: str) -> None:
    before = result(chain)
    chain.edit("experiments/lab/one.py", "print", "# a comment\nprint")
    assert chain.built("lab") == ["lab.one"]
    assert (chain.root / "generated/lab/steps/five/x").read_text() == f"{salt}-two-three-four-five\n"
    assert result(chain) != before  # it says by which recipe it was made
    assert chain.nix_built("experiment-lab") == result(chain)
    chain.write("experiments/lab/one.py", f"print('{salt}-other')\n")
    assert chain.built("lab") == STEPS
    chain.write("experiments/lab/one.py", f"print('{salt}')\n")
    assert chain.built("lab") == []
    assert result(chain) == before


def test_records_are_short_sorted_and_pruned(chain: Project) -> None:
    chain.edit("experiments/lab/one.py", "print", "# a comment\nprint")
    chain.nivis("build", "lab")
    lines = (chain.root / RECORDS).read_text().splitlines()
    assert [lines[0], lines[1], *lines[-2:]] == ["{", '"version": 1,', '"~": null', "}"]
    line = re.compile(r'"[0-9a-z]{32}": \{"step": "(\w+)", "hash": "sha256-[A-Za-z0-9+/]{43}=", "size": \d+\},')
    assert [match and match[1] for match in map(line.fullmatch, lines[2:-2])] == sorted(
        name.removeprefix("lab.") for name in STEPS
    )
    assert chain.git("ls-files", RECORDS) == f"{RECORDS}\n"
    attribute = chain.git("check-attr", "merge", RECORDS)
    assert attribute == f"{RECORDS}: merge: union\n"
    chain.edit(MANIFEST, CHAIN[CHAIN.index("[steps.five]") :], "")
    chain.nivis("build", "lab")
    assert sorted(records(chain)) == ["four", "one", "three", "two"]


def test_what_successors_get_is_enough(chain: Project) -> None:
    """With a step's own output gone and its content there, nothing runs; with all gone, what is needed."""
    own = outs(chain)
    before = result(chain)
    delete(chain, own["one"], own["two"], own["three"])
    chain.edit(MANIFEST, "-five/", "-5/")
    assert chain.built("lab") == ["lab.five"]
    chain.edit(MANIFEST, "-5/", "-five/")
    assert chain.built("lab") == []
    assert result(chain) == before


def test_another_clone_with_an_empty_store(chain: Project, tmp_path: Path, salt: str) -> None:
    """What is recorded and gone is made again, up to what is wanted, and is what was recorded."""
    before, text = result(chain), (chain.root / RECORDS).read_text()
    found, own = records(chain), outs(chain)
    contents = [p for p in map(str, Path("/nix/store").glob("*-lab-*")) if _has(p, salt)]
    assert set(own.values()) < set(contents)
    assert len(contents) == 2 * len(own)
    shutil.rmtree(chain.root / "generated")
    (chain.root / ".nivis/state.json").unlink()
    delete(chain, before)
    delete(chain, *contents)
    assert chain.built("lab.three") == ["lab.one", "lab.three", "lab.two"]
    assert chain.built("lab") == ["lab.five", "lab.four"]
    assert (result(chain), (chain.root / RECORDS).read_text()) == (before, text)
    assert records(chain) == found


def _has(path: str, text: str) -> bool:
    file = Path(path, "x")
    return file.is_file() and text in file.read_text()


def test_records_that_are_wrong(chain: Project, salt: str) -> None:
    right = (chain.root / RECORDS).read_text()
    before = result(chain)
    wrong = "sha256-" + base64.b64encode(salt.encode()).decode()
    chain.edit(RECORDS, str(records(chain)["four"]["hash"]), wrong)
    said = chain.nix("build", "--no-link", ".#experiment-lab", code=1).err
    assert "hash mismatch in fixed-output derivation" in said
    assert wrong in said
    said = chain.nivis("build", "lab").err
    assert (
        "lab.four: wrote other bytes than results.lock had of this recipe, which is recorded anew: "
        "it is not reproducible, or the record was wrong\n"
    ) in said
    assert (result(chain), (chain.root / RECORDS).read_text()) == (before, right)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1, "x": 3}', "<<<<<<< HEAD"])
def test_records_that_cannot_be_read(project: Project, text: str) -> None:
    project.write(MANIFEST, '[steps.a]\nrun = "true"\n')
    project.write(RECORDS, text)
    assert project.nivis("build", code=2).err.splitlines()[-1] == (
        f"nivis: {RECORDS}: cannot be read. "
        "Restore it (`git checkout`), or remove it: what it says is found anew by running the steps."
    )


def test_outputs_that_are_handed_on_directly(project: Project, salt: str) -> None:
    """One refers to the store, one is larger than copy-limit: their successors follow their recipes."""
    project.write(
        MANIFEST,
        f"""
[steps.refers]
run = "ln -s $(type -P bash) ${{out}}/bash; echo {salt} > ${{out}}/x"

[steps.large]
run = "head -c 300000 /dev/zero > ${{out}}/zeros; echo {salt} > ${{out}}/x"

[steps.after]
run = "${{steps.refers}}/bash -c 'cat ${{steps.refers}}/x ${{steps.large}}/x' > ${{out}}/x"
""",
    )
    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f'{text}\n[tool.nivis]\ncopy-limit = "200 kB"\n')
    every = ["lab.after", "lab.large", "lab.refers"]
    assert project.built("lab") == every
    found = records(project)
    assert {name: set(entry) - {"key", "step"} for name, entry in found.items()} == {
        "after": {"hash", "size"},
        "large": {"direct", "size"},
        "refers": {"direct", "size"},
    }
    assert project.built("lab") == []
    assert project.nix_built("experiment-lab") == result(project)
    project.edit(MANIFEST, "ln -s", ": ; ln -s")
    assert project.built("lab") == ["lab.after", "lab.refers"]


def test_branches_merge(chain: Project, salt: str) -> None:
    """Two branches change the same experiment; that they began others is no conflict either."""
    chain.write("experiments/old/experiment.toml", f'[steps.a]\nrun = "echo {salt} > ${{out}}/x"\n')
    chain.nivis("build")
    chain.git("add", "-A")
    chain.git("commit", "-qm", "base")
    chain.git("branch", "-M", "main")
    chain.git("checkout", "-qb", "left")
    chain.edit(MANIFEST, "-two/", "-2/")
    chain.nivis("build")
    chain.git("commit", "-qam", "left")
    left = records(chain)
    chain.git("checkout", "-q", "main")
    chain.git("checkout", "-qb", "right")
    chain.edit(MANIFEST, "-five/", "-5/")
    chain.nivis("build")
    chain.git("commit", "-qam", "right")
    chain.git("checkout", "-q", "main")
    # The manifests and plans of one experiment are text that people merge; results.lock is not.
    done = subprocess.run(
        ["git", "merge-tree", "--write-tree", "--name-only", "left", "right"],
        cwd=chain.root,
        env=chain.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "results.lock" not in done.stdout.partition("\n\n")[0]
    tree = done.stdout.split("\n")[0]
    chain.write(RECORDS, chain.git("show", f"{tree}:{RECORDS}"))
    chain.edit(MANIFEST, "-two/", "-2/")
    chain.edit(MANIFEST, "-five/", "-5/")
    assert chain.built("lab") == ["lab.five"]
    assert {name: entry for name, entry in records(chain).items() if name != "five"} == {
        name: entry for name, entry in left.items() if name != "five"
    }


def test_killed_in_the_middle_of_a_parallel_run(project: Project, salt: str) -> None:
    """Nothing is built twice, and nothing is half-written."""
    quick = "".join(f'[steps.q{n}]\nrun = "echo {salt} {n} > ${{out}}/x"\n' for n in range(30))
    slow = "".join(f'[steps.s{n}]\nrun = "cat ${{steps.q{n}}}/x > ${{out}}/x; sleep {1 + n / 2}"\n' for n in range(4))
    gather = " ".join([*(f"${{steps.q{n}}}/x" for n in range(30)), *(f"${{steps.s{n}}}/x" for n in range(4))])
    project.write(MANIFEST, f'{quick}{slow}[steps.all]\nrun = "cat {gather} > ${{out}}/x"\n')
    project.nivis("lock")
    process = subprocess.Popen(
        [*NIVIS, "build", "-j", "4"],
        cwd=project.root,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while '"q2' not in (text := _read(project.root / RECORDS)) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1.5)  # the first of the slow ones is done, the others run
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    after = _read(project.root / RECORDS)
    assert '"q2' in text
    json.loads(after)
    state = project.root / ".nivis/state.json"
    assert not state.exists() or json.loads(state.read_text())
    assert not [path for path in project.root.rglob(".*.*") if path.name.startswith((".results.lock.", ".state.json."))]
    built = project.built("lab")
    assert [name for name in built if name.startswith("lab.q")] == []
    assert "lab.s0" not in built
    assert "lab.all" in built
    expected = "".join([*(f"{salt} {n}\n" for n in range(30)), *(f"{salt} {n}\n" for n in range(4))])
    assert (project.root / "generated/lab/steps/all/x").read_text() == expected
    project.run(
        ["nix-store", "--verify-path", *[str(p.resolve()) for p in (project.root / "generated/lab/steps").iterdir()]]
    )
    assert project.nix_built("experiment-lab") == result(project)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
