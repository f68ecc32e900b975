"""The tools that pipelines.py compares: what is written for each, how it is run, what ran.

Two pipelines: N small steps, each of which reads a file of its own and writes one, and a gather; or, `dynamic`, a split
into files that only a run tells, a step a file, and a gather. What really ran is counted from a log that the steps
append to; in Nix's sandbox they cannot, there the builds are counted that the tool itself tells.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from common import NIVIS, NIX, Run, caches, commit, git_project, run

PEERS = {"dvc": "3.67.1", "snakemake": "9.27.1", "redun": "0.44.1"}
PYPROJECT = '[project]\nname = "bench"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'
IGNORED = "/generated/\n/.nivis/\n"


def install(peers: Path) -> None:
    """Install what is not there yet, each into a virtual environment of its own."""
    for name, version in PEERS.items():
        if not (peers / name / "bin" / name).exists():
            subprocess.run([sys.executable, "-m", "venv", str(peers / name)], check=True)
            pip = [str(peers / name / "bin/pip"), "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", f"{name}=={version}"], check=True)


class Tool:
    """One tool in one folder. ``inputs`` are the files that the steps read, or the lines that are split, by name."""

    name = ""
    log = "log"

    def __init__(self, place: Path, folder: Path, inputs: Mapping[str, str], *, dynamic: bool) -> None:
        self.place = place  # of everything that is measured: environments, caches, the store
        self.folder = folder
        self.inputs = dict(inputs)
        self.dynamic = dynamic
        self.environ: dict[str, str] = {"HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}

    @property
    def data(self) -> Path:
        """Return the folder with the inputs."""
        return self.folder

    def set_up(self) -> None:
        """Write inputs and pipeline, whatever is done once."""
        for name in self.inputs:
            self.write(name)
        for name, text in self.files().items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def files(self) -> dict[str, str]:
        """Return what is written for the tool."""
        raise NotImplementedError

    def command(self) -> list[str | Path]:
        """Return the command that brings everything up to date."""
        raise NotImplementedError

    def write(self, name: str, text: str | None = None) -> None:
        """Write an input, of another content if there is ``text``."""
        if text is not None:
            self.inputs[name] = text
        file = self.data / ("list.txt" if self.dynamic else f"in/{name}.txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{key} {value}\n" for key, value in sorted(self.inputs.items()))
        file.write_text("".join(lines) if self.dynamic else f"{self.inputs[name]}\n")

    def remove(self, name: str) -> None:
        """Take a line out of what is split."""
        del self.inputs[name]
        self.write("")

    def build(self) -> Run:
        """Bring everything up to date."""
        (self.folder / self.log).write_text("")
        return run(self.command(), cwd=self.folder, environ=self.environ)

    def ran(self, made: Run) -> Counter[str]:
        """Return how many steps of each kind ran."""
        return Counter((self.folder / self.log).read_text().split())

    def result(self) -> str:
        """Return what the gather wrote."""
        return (self.folder / "all.txt").read_text()

    def expected(self) -> str:
        """Return what it should have written."""
        return "".join(f"part {text}\n" for _, text in sorted(self.inputs.items()))


class Make(Tool):
    """GNU Make, with a pattern rule."""

    name = "GNU Make"

    def files(self) -> dict[str, str]:  # noqa: D102
        parts = " ".join(f"out/{name}.txt" for name in self.inputs)
        return {
            "Makefile": f"PARTS = {parts}\nall.txt: $(PARTS)\n\t@cat $^ >$@; echo gather >>log\n"
            'out/%.txt: in/%.txt | out\n\t@read -r line <$<; echo "part $$line" >$@; echo each >>log\n'
            "out:\n\t@mkdir out\n"
        }

    def command(self) -> list[str | Path]:  # noqa: D102
        return ["make", "-j2", "--silent"]


class Peer(Tool):
    """A tool in a virtual environment of its own."""

    @property
    def program(self) -> Path:
        """Return its program."""
        return self.place / "peers" / self.name / "bin" / self.name


class Dvc(Peer):
    """DVC, without git, a stage a step."""

    name = "dvc"

    def set_up(self) -> None:  # noqa: D102
        super().set_up()
        run([self.program, "init", "--quiet", "--no-scm"], cwd=self.folder, environ=self.environ)
        run([self.program, "config", "core.analytics", "false"], cwd=self.folder, environ=self.environ)

    def files(self) -> dict[str, str]:  # noqa: D102
        each = "".join(
            f'  s{name}:\n    cmd: \'read -r line <in/{name}.txt; mkdir -p out; echo "part $line" >out/{name}.txt; '
            f"echo each >>log'\n    deps: [in/{name}.txt]\n    outs: [out/{name}.txt]\n"
            for name in self.inputs
        )
        parts = [f"out/{name}.txt" for name in self.inputs]
        gather = f"  gather:\n    cmd: 'cat out/*.txt >all.txt; echo gather >>log'\n    deps: [{', '.join(parts)}]\n"
        return {"dvc.yaml": f"stages:\n{each}{gather}    outs: [all.txt]\n"}

    def command(self) -> list[str | Path]:  # noqa: D102
        return [self.program, "repro", "--quiet"]


class Snakemake(Peer):
    """Snakemake, a rule with a wildcard; dynamic: a checkpoint."""

    name = "snakemake"

    def files(self) -> dict[str, str]:  # noqa: D102
        each = """
rule each:
    input: "%s/{name}.txt"
    output: "out/{name}.txt"
    shell: 'read -r line <{input}; echo "part $line" >{output}; echo each >>log'
"""
        gather = """
rule gather:
    input: %s
    output: "all.txt"
    shell: "cat {input} >{output}; echo gather >>log"
"""
        split = """
checkpoint split:
    input: "list.txt"
    output: directory("parts")
    shell:
        'mkdir -p {output}; while read -r name text; do echo "$text" >{output}/$name.txt; done <{input}; '
        "echo split >>log"

def parts(wildcards):
    folder = checkpoints.split.get().output[0]
    return [f"out/{name}.txt" for name in sorted(glob_wildcards(f"{folder}/{{name}}.txt").name)]
"""
        default = '\nrule all:\n    default_target: True\n    input: "all.txt"\n'
        if self.dynamic:
            return {"Snakefile": split + each % "parts" + gather % "parts" + default}
        wanted = f"{[f'out/{name}.txt' for name in sorted(self.inputs)]}"
        return {"Snakefile": each % "in" + gather % wanted + default}

    def command(self) -> list[str | Path]:  # noqa: D102
        return [self.program, "--cores", "2", "--quiet", "all"]


class Redun(Peer):
    """redun, with files that go by their content, two threads."""

    name = "redun"

    def files(self) -> dict[str, str]:  # noqa: D102
        source = """
import subprocess
from pathlib import Path
from redun import task
from redun.file import ContentFile

redun_namespace = "bench"

@task()
def each(source: ContentFile, target: str) -> ContentFile:
    script = f'read -r line <{source.path}; echo "part $line" >{target}; echo each >>log'
    subprocess.run(["bash", "-euc", script], check=True)
    return ContentFile(target)

@task()
def gather(parts: list[ContentFile], target: str) -> ContentFile:
    script = 'cat "$@"; echo gather >>log'
    with open(target, "w") as stream:
        subprocess.run(["bash", "-euc", script, "gather", *(part.path for part in parts)], check=True, stdout=stream)
    return ContentFile(target)

@task()
def split(source: ContentFile) -> list[ContentFile]:
    script = 'rm -rf parts; mkdir parts; while read -r name text; do echo "$text" >parts/$name.txt; done'
    with open(source.path) as stream:
        subprocess.run(["bash", "-euc", script + "; echo split >>log"], check=True, stdin=stream)
    return [ContentFile(str(path)) for path in sorted(Path("parts").glob("*.txt"))]

@task()
def every(sources: list[ContentFile]) -> ContentFile:
    return gather([each(source, f"out/{Path(source.path).name}") for source in sources], "all.txt")

@task(cache=False)
def main() -> ContentFile:
    Path("out").mkdir(exist_ok=True)
"""
        listed = "[ContentFile(str(path)) for path in sorted(Path('in').glob('*.txt'))]"
        sources = 'split(ContentFile("list.txt"))' if self.dynamic else listed
        ini = "[backend]\ndb_uri = sqlite:///redun.db\n"
        ini += "\n[executors.default]\ntype = local\nmode = thread\nmax_workers = 2\n"
        return {"workflow.py": source + f"    return every({sources})\n", ".redun/redun.ini": ini}

    def command(self) -> list[str | Path]:  # noqa: D102
        return [self.program, "run", "workflow.py", "main"]


class Nivis(Tool):
    """nivis in a store of its own: a step after the other in the manifest; dynamic: a fan-out."""

    name = "nivis"
    folder_of = "experiments/many"

    def __init__(self, place: Path, folder: Path, inputs: Mapping[str, str], *, dynamic: bool) -> None:
        super().__init__(place, folder, inputs, dynamic=dynamic)
        self.environ = {**NIX, **caches(place / "cache"), "HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}

    @property
    def data(self) -> Path:  # noqa: D102
        return self.folder / self.folder_of

    def files(self) -> dict[str, str]:  # noqa: D102
        manifest = '[experiment]\ntitle = "many"\n' + (self.fanned() if self.dynamic else self.steps())
        files = {"pyproject.toml": PYPROJECT, ".gitignore": IGNORED, f"{self.folder_of}/experiment.toml": manifest}
        seed = self.place / "seed/nivis.lock"
        return files | ({"nivis.lock": seed.read_text()} if seed.exists() else {})

    def steps(self) -> str:
        """Return N steps and the gather."""
        each = "".join(
            f"[steps.s{name}]\nrun = 'read -r line <in/{name}.txt; echo \"part $line\" >${{out}}/part.txt'\n"
            for name in self.inputs
        )
        parts = " ".join(f"${{steps.s{name}}}/part.txt" for name in self.inputs)
        return f"{each}[steps.gather]\nrun = 'cat {parts} >${{out}}/all.txt'\n"

    def fanned(self) -> str:
        """Return a split, a step a file, and the gather."""
        return """
[steps.split]
run = 'while read -r name text; do echo "$text" >${out}/$name.txt; done <list.txt'
[steps.each]
foreach = "${steps.split}/*.txt"
run = 'read -r line <${item}; echo "part $line" >${out}/part.txt'
[steps.gather]
run = 'for part in ${steps.each}; do cat $part/part.txt; done >${out}/all.txt'
"""

    def set_up(self) -> None:  # noqa: D102
        super().set_up()
        git_project(self.folder, {})

    def command(self) -> list[str | Path]:  # noqa: D102
        return [NIVIS, "--json", "build", "-j", "2"]

    def run(self, *words: str | Path) -> Run:
        """Run a command in the store."""
        return run(words, cwd=self.folder, environ=self.environ, store=self.place / "store")

    def build(self) -> Run:  # noqa: D102
        return self.run(*self.command())

    def ran(self, made: Run) -> Counter[str]:  # noqa: D102
        names = [
            str(name).partition(".")[2].partition("@")[0] for name in json.loads(made.stdout)["results"][0]["built"]
        ]
        return Counter(name if name in {"split", "gather"} else "each" for name in names)

    def result(self) -> str:  # noqa: D102
        link = (self.folder / "generated/many").readlink()
        return self._in_store(link / "steps/gather/all.txt").read_text()

    def _in_store(self, path: Path) -> Path:
        """Return where a path of the store is, seen from outside; links are followed."""
        seen = self.place / "store"
        for part in path.relative_to("/nix").parts:
            seen /= part
            if seen.is_symlink():
                target = seen.readlink()
                seen = self._in_store(target) if target.is_absolute() else seen.parent / target
        return seen


class Swept(Nivis):
    """nivis, the N steps being instances of a swept one."""

    name = "nivis, swept"

    def steps(self) -> str:  # noqa: D102
        return f"""
[steps.each]
matrix = {{ name = {json.dumps(sorted(self.inputs))} }}
run = 'read -r line <in/${{matrix.name}}.txt; echo "part $line" >${{out}}/part.txt'
[steps.gather]
run = 'for part in ${{steps.each}}; do read -r line <$part/part.txt; echo "$line"; done >${{out}}/all.txt'
"""


class BareNix(Nivis):
    """The same derivations with Nix alone, without anything recorded; the evaluation is not measured."""

    name = "bare Nix"

    def set_up(self) -> None:  # noqa: D102
        super().set_up()
        self.run(NIVIS, "--quiet", "lock")
        commit(self.folder)
        text = "(import ./nix/nivis).inventory { root = ./.; }"
        argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr", text]
        self.found = json.loads(self.run(*argv).stdout)["experiments"]["many"]["result"]

    def command(self) -> list[str | Path]:  # noqa: D102
        return ["nix-store", "--realise", self.found["drv"], "-j", "2"]

    def ran(self, made: Run) -> Counter[str]:  # noqa: D102
        names = re.findall(r"^building '/nix/store/[^-]*-many-(.*)\.drv'", made.stderr, re.MULTILINE)
        return Counter(name if name in {"split", "gather"} else "each" for name in names)

    def result(self) -> str:  # noqa: D102
        return self._in_store(Path(self.found["out"]) / "steps/gather/all.txt").read_text()
