"""What nivis costs when nothing, little or everything is to be done: the demo, and plans of many trivial steps."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from common import NIVIS, NIX, Run, caches, commit, git_project, machine, ratio, run, scratch, spread, table

PYPROJECT = """\
[project]
name = "bench"
version = "0.1.0"
requires-python = ">=3.11"
"""


def experiment(count: int, mark: str) -> str:
    """Return a manifest of so many independent steps; another ``mark`` makes all of them new."""
    steps = "".join(
        f'\n[steps.s{n:05}]\nrun = "read -r line <in-{n % 50}.txt; echo {mark} {n} >${{out}}/x"\noutputs = ["x"]\n'
        for n in range(count)
    )
    return '[experiment]\ntitle = "many"\n' + steps


def many(folder: Path, count: int, lock: Path | None) -> Path:
    """Make a project of one experiment with many steps, which read one of 50 files each."""
    files = {"pyproject.toml": PYPROJECT, ".gitignore": "/generated/\n/.nivis/\n"}
    files["experiments/many/experiment.toml"] = experiment(count, "first")
    files |= {f"experiments/many/in-{n}.txt": f"{n}\n" for n in range(50)}
    if lock is not None:
        files["nivis.lock"] = lock.read_text()
    return git_project(folder, files)


def edit(project: Path, name: str, text: str) -> None:
    """Write one file of the experiment."""
    (project / "experiments/many" / name).write_text(text, encoding="utf-8")


class Bench:
    """Runs commands in one store of its own."""

    def __init__(self, place: Path) -> None:
        self.store = place / "store"
        self.environ = {**NIX, **caches(place / "cache"), "HOME": os.environ.get("HOME", "/")}

    def nivis(self, project: Path, *words: str) -> Run:
        """Run nivis."""
        return run([NIVIS, *words], cwd=project, environ=self.environ, store=self.store)

    def nix(self, project: Path, *words: str) -> Run:
        """Run a program of Nix."""
        return run(words, cwd=project, environ=self.environ, store=self.store)

    def evaluate(self, project: Path) -> Run:
        """Have Nix evaluate everything in the project, as `nix build` does before it builds."""
        text = "(import ./nix/nivis).inventory { root = ./.; }"
        argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr", text]
        return self.nix(project, *argv)


def demo(bench: Bench, place: Path, runs: int) -> list[list[str]]:
    """Measure the pipeline template, unchanged."""
    run([NIVIS, "-q", "init", "demo", "--template", "pipeline"], cwd=place)
    project = place / "demo"
    bench.nivis(project, "build")
    commit(project)
    own, plain, status = [], [], []
    for _ in range(runs):
        own.append(bench.nivis(project, "build"))
        plain.append(bench.nix(project, "nix", "build", "--no-link", ".#experiment-penguins"))
        status.append(bench.nivis(project, "status"))
    return [
        ["demo: `nivis build`, unchanged", seconds(own), "0.5 s", memory(own)],
        ["demo: `nix build`, unchanged", seconds(plain), "0.3 s", ""],
        ["demo: `nivis status`", seconds(status), "", memory(status)],
    ]


def large(bench: Bench, place: Path, count: int, lock: Path, runs: int, *, cold: bool) -> list[list[str]]:
    """Measure one experiment of many steps."""
    project = many(place / f"many-{count}", count, lock)
    text = f"{count:,} steps: "
    first = [bench.nivis(project, "lock")]
    commit(project)
    new = [bench.evaluate(project)]
    rows = [
        [text + "`nivis lock`, first", seconds(first), "", memory(first)],
        [text + "evaluation that writes every derivation", seconds(new), "", memory(new)],
    ]
    warm = [bench.evaluate(project) for _ in range(runs)]
    rows.append([text + "evaluation", seconds(warm), "1 s" if count == 1000 else "", memory(warm)])
    if not cold:
        return rows
    own, bare = [], []
    for n in range(runs):
        edit(project, "experiment.toml", experiment(count, f"nivis-{n}"))
        bench.nivis(project, "lock")
        own.append(bench.nivis(project, "build", "-j", "2"))
        edit(project, "experiment.toml", experiment(count, f"bare-{n}"))
        bench.nivis(project, "lock")
        drv = json.loads(bench.evaluate(project).stdout)["experiments"]["many"]["drv"]
        bare.append(bench.nix(project, "nix-store", "--realise", drv, "-j", "2", "--quiet"))
    bench.nivis(project, "build")
    still = [bench.nivis(project, "build") for _ in range(runs)]
    status = [bench.nivis(project, "status") for _ in range(runs)]
    one = []
    for n in range(runs):
        edit(project, "in-7.txt", f"changed {n}\n")
        one.append(bench.nivis(project, "build"))
    each = [1000 * r.seconds / count for r in own], [1000 * r.seconds / count for r in bare]
    rows += [
        [text + "`nivis build -j 2`, all new, a step", spread(each[0], "ms"), "20 ms", memory(own)],
        [text + "`nix-store --realise -j 2` of the like, a step", spread(each[1], "ms"), "", ""],
        [text + "`nivis build` × `nix-store --realise`", ratio(*each), "", ""],
        [text + "`nivis build`, unchanged", seconds(still), "0.5 s", memory(still)],
        [text + f"`nivis build`, {count // 50} steps' input changed", seconds(one), "", memory(one)],
        [text + "`nivis status`", seconds(status), "", memory(status)],
    ]
    return rows


def seconds(runs: list[Run]) -> str:
    """Return the time of some runs."""
    return spread([one.seconds for one in runs])


def memory(runs: list[Run]) -> str:
    """Return the peak memory of some runs."""
    return f"{max(one.memory for one in runs):.0f} MB"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--largest", type=int, default=10_000, help="steps that are planned but not built")
    options = parser.parse_args()
    print(f"## Overhead\n\n{machine()}")
    with scratch() as place:
        bench = Bench(place)
        rows = demo(bench, place, options.runs)
        seed = many(place / "seed", 1, None)
        bench.nivis(seed, "build")
        lock = seed / "nivis.lock"
        for count in (100, 1000):
            rows += large(bench, place, count, lock, options.runs, cold=True)
        if options.largest:
            rows += large(bench, place, options.largest, lock, 1, cold=False)
    table("nivis and Nix", ["", "", "limit", "peak memory (largest process)"], rows)


if __name__ == "__main__":
    main()
