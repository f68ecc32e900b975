"""What pipelines cost, beside GNU Make, DVC, Snakemake, redun and bare Nix on the same work."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import NIVIS, Run, machine, ratio, run, scratch, spread, table
from pipeline_tools import PEERS, BareNix, Dvc, Make, Nivis, Redun, Snakemake, Swept, Tool, install

TOOLS: Sequence[type[Tool]] = (Nivis, Swept, BareNix, Make, Snakemake, Redun, Dvc)
DVC_LARGEST = 100  # 8 minutes for 600 steps
SLOW = {"snakemake", "redun"}  # once where there are many steps
MANY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One run, and what ran in it."""

    run: Run
    ran: Counter[str]
    dynamic: bool


Runs = dict[tuple[str, str], list[Made]]  # by tool and case


class Bench:
    """Builds pipelines, each in a folder of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.number = 0
        for name in ("home", "tmp"):
            (place / name).mkdir()

    def tool(self, kind: type[Tool], inputs: Mapping[str, str], *, dynamic: bool = False) -> Tool:
        """Set a tool up in a new folder."""
        self.number += 1
        folder = self.place / f"work/{self.number}"
        folder.mkdir(parents=True)
        tool = kind(self.place, folder, inputs, dynamic=dynamic)
        tool.set_up()
        return tool

    def made(self, tool: Tool) -> Made:
        """Build; a wrong result ends everything."""
        done = tool.build()
        if tool.result() != tool.expected():
            sys.exit(f"{tool.name} in {tool.folder}: wrong result")
        return Made(run=done, ran=tool.ran(done), dynamic=tool.dynamic)

    def prepare(self) -> None:
        """Have the toolchain in the store and everybody's modules compiled."""
        inputs = {"0": "seed"}
        for kind in TOOLS:
            tool = self.tool(kind, inputs)
            self.made(tool)
            if isinstance(tool, Nivis) and not (self.place / "seed").exists():
                (self.place / "seed").mkdir()
                (self.place / "seed/nivis.lock").write_text((tool.folder / "nivis.lock").read_text())


def names_of(count: int, mark: str) -> dict[str, str]:
    """Return the inputs: another ``mark`` makes all of them new."""
    return {f"{n:05}": f"{mark} {n}" for n in range(count)}


def independent(bench: Bench, count: int, rounds: int) -> Runs:
    """Build N steps and a gather: cold, unchanged, one input changed."""
    runs: Runs = defaultdict(list)
    for turn in range(rounds):
        for kind in TOOLS:
            name = kind.name
            if (kind is Dvc and count > DVC_LARGEST) or (name in SLOW and count >= MANY and turn):
                continue
            tool = bench.tool(kind, names_of(count, f"{name} {turn} of {count}"))
            runs[name, "cold"].append(bench.made(tool))
            runs[name, "unchanged"].append(bench.made(tool))
            if kind is not BareNix:
                tool.write(f"{count // 2:05}", f"changed by {name} {turn} of {count}")
                runs[name, "one changed"].append(bench.made(tool))
    return runs


def dynamic(bench: Bench, count: int, rounds: int) -> Runs:
    """Split into files, a step each, and gather."""
    runs: Runs = defaultdict(list)
    for turn in range(rounds):
        for kind in (Nivis, Snakemake, Redun):
            mark = f"{kind.name} {turn} dynamic"
            tool = bench.tool(kind, names_of(count, mark), dynamic=True)
            changes: dict[str, Callable[[], None]] = {
                "cold": lambda: None,
                "unchanged": lambda: None,
                "one changed": lambda tool=tool, mark=mark: tool.write(f"{count // 2:05}", f"changed by {mark}"),
                "one more": lambda tool=tool, mark=mark: tool.write(f"{count:05}", f"more by {mark}"),
                "one fewer": lambda tool=tool: tool.remove("00003"),
            }
            for case, change in changes.items():
                change()
                runs[kind.name, case].append(bench.made(tool))
    return runs


def growth(bench: Bench, kind: type[Nivis], count: int) -> list[str]:
    """Return what nivis costs alone, with many steps: seconds, and MB of nivis itself."""
    tool = bench.tool(kind, names_of(count, f"growth {kind.name} {count}"))
    assert isinstance(tool, Nivis)
    lock = tool.run(NIVIS, "--quiet", "lock")
    again = tool.run(NIVIS, "--quiet", "lock")
    text = "(import ./nix/nivis).inventory { root = ./.; }"
    evaluation = tool.run("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr", text)
    cold = bench.made(tool).run
    status = tool.run(NIVIS, "--json", "status")
    unchanged = bench.made(tool).run
    tool.write(f"{count // 2:05}", f"changed {kind.name} {count}")
    changed = bench.made(tool).run
    each = (lock, again, evaluation, cold, status, unchanged, changed)
    return [*(f"{one.seconds:.2f} s, {one.own:.0f} MB" for one in each), f"{1000 * cold.seconds / count:.1f} ms"]


def counted(made: Made) -> str:
    """Return what ran: ``[1+50+1]``, split, each and gather."""
    kinds = ("split", "each", "gather") if made.dynamic else ("each", "gather")
    return f"[{'+'.join(str(made.ran[kind]) for kind in kinds)}]"


def cell(made: Sequence[Made]) -> str:
    """Return time and counts of one case; every round's counts where they differ."""
    counts = dict.fromkeys(counted(one) for one in made)
    return f"{spread([one.run.seconds for one in made])} {' '.join(counts)}" if made else "–"


def per_step(cold: Sequence[Made], count: int) -> str:
    """Return a cold run's milliseconds a step."""
    return spread([1000 * one.run.seconds / count for one in cold], "ms")


def against(runs: Runs, name: str, base: str, case: str) -> str:
    """Return the median ratio of the rounds that both have."""
    ours, theirs = ([one.run.seconds for one in runs[tool, case]] for tool in (name, base))
    both = min(len(ours), len(theirs))
    return ratio(ours[:both], theirs[:both]) if both else "–"


def independent_table(runs: Runs, count: int) -> None:
    """Print N steps and a gather."""
    rows = [
        [
            kind.name,
            cell(runs[kind.name, "cold"]),
            per_step(runs[kind.name, "cold"], count),
            against(runs, kind.name, BareNix.name, "cold"),
            cell(runs[kind.name, "unchanged"]),
            cell(runs[kind.name, "one changed"]),
            f"{max(one.run.own for one in runs[kind.name, 'cold']):.0f} MB",
        ]
        for kind in TOOLS
        if runs[kind.name, "cold"]
    ]
    head = ["", "cold", "a step", "× bare Nix", "nothing changed", "one input changed", "memory"]
    table(f"{count:,} independent steps and a gather (load before: {os.getloadavg()[0]:.1f})", head, rows)


def dynamic_table(runs: Runs, count: int) -> None:
    """Print split, each, gather."""
    cases = ("cold", "unchanged", "one changed", "one more", "one fewer")
    kinds = (Nivis, Snakemake, Redun)
    rows = [[kind.name, *(cell(runs[kind.name, case]) for case in cases)] for kind in kinds]
    rows += [
        [f"nivis × {base.name}", *(against(runs, Nivis.name, base.name, case) for case in cases)]
        for base in (Snakemake, Redun)
    ]
    table(f"Split into {count} files, a step each, gather", ["", *cases], rows)


def growth_table(bench: Bench, kind: type[Nivis], counts: Sequence[int]) -> None:
    """Print how cost grows."""
    cases = (
        "lock, first",
        "lock, again",
        "evaluation (Nix)",
        "cold",
        "status",
        "unchanged",
        "one changed",
        "cold, a step",
    )
    columns = [growth(bench, kind, count) for count in counts]
    rows = [[case, *(column[n] for column in columns)] for n, case in enumerate(cases)]
    head = ["", *(f"{count:,} steps" for count in counts)]
    table(f"{kind.name}: time, and peak memory of the command's own process", head, rows)


def versions() -> str:
    """Return the versions of what is compared."""
    make = run(["make", "--version"], cwd=Path("/")).stdout.splitlines()[0]
    return ", ".join([make, *(f"{name} {version}" for name, version in PEERS.items())])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--parts", type=int, default=50, help="files of the dynamic pipeline; 0: without it")
    parser.add_argument("--growth", type=int, nargs="*", default=[1000, 3000, 10_000], help="steps, of nivis alone")
    parser.add_argument("--peers", type=Path, help="where the other tools are, or will be installed (else: anew)")
    options = parser.parse_args()
    print(f"## Pipelines\n\n{machine()}; {versions()}", flush=True)
    # One file system for all, and not one that becomes slow once much has been deleted from it, as ext4 does.
    with scratch("/dev/shm") as place:
        peers = (options.peers or place / "own").resolve()
        peers.mkdir(parents=True, exist_ok=True)
        (place / "peers").symlink_to(peers)
        install(peers)
        bench = Bench(place)
        bench.prepare()
        for count in options.counts:
            independent_table(independent(bench, count, options.runs), count)
        if options.parts:
            dynamic_table(dynamic(bench, options.parts, options.runs), options.parts)
        if options.growth:
            for kind in (Nivis, Swept):
                growth_table(bench, kind, options.growth)


if __name__ == "__main__":
    main()
