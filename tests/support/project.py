"""A project in a folder of its own, and the commands that people run in it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nivis.nix.config import inspect_machine, nix_config

REPOSITORY = Path(__file__).parents[2]
NIVIS = (sys.executable, "-m", "nivis.cli.main")
PATIENCE = 900  # seconds


def environment(**more: str) -> dict[str, str]:
    """Return the environment of commands: nivis from this repository, git with an author, Nix as doctor sets it up."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "NIVIS_", "PYTEST_"))}
    author = {f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    config = nix_config(given, inspect_machine(given))
    return {**given, **author, "PYTHONPATH": str(REPOSITORY / "python"), "NIX_CONFIG": config, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Project:
    """A project's folder."""

    root: Path
    environ: Mapping[str, str] = field(default_factory=environment)

    def run(self, argv: Sequence[str | Path], *, code: int = 0, cwd: Path | None = None, **more: str) -> Ran:
        """Run a command in the project; any exit status but ``code`` fails the test with what the command said."""
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd or self.root,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = f"{argv} ended with {done.returncode}, not {code}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        assert done.returncode == code, said
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def nivis(self, *words: str | Path, code: int = 0, **more: str) -> Ran:
        return self.run([*NIVIS, *words], code=code, cwd=None, **more)

    def nix(self, *words: str | Path, code: int = 0) -> Ran:
        return self.run(["nix", *words], code=code)

    def git(self, *words: str) -> str:
        return self.run(["git", *words]).out

    def write(self, path: str, content: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def built(self, *what: str) -> list[str]:
        """Build, and return which steps ran."""
        results = self.nivis("--json", "build", *what).json["results"]
        return sorted({step for result in results for step in result["built"]})

    def recipes(self, experiment: str) -> dict[str, str]:
        """Return the derivations behind the steps and instances of a result, as its provenance names them."""
        text = (self.root / f"generated/{experiment}/provenance.json").read_text(encoding="utf-8")
        outputs: dict[str, str] = {}
        for name, step in json.loads(text)["steps"].items():
            outputs |= {f"{name}@{label}": one["output"] for label, one in step.get("instances", {}).items()}
            outputs |= {name: step["output"]} if "output" in step else {}
        drvs = self.run(["nix-store", "--query", "--deriver", *outputs.values()]).out.split()
        return dict(zip(outputs, drvs, strict=True))

    def rebuild(self, experiment: str, *steps: str) -> None:
        """Run steps again (none: all) and compare what they write, bit for bit."""
        recipes = self.recipes(experiment)
        self.run(["nix-store", "--realise", "--check", *(recipes[step] for step in steps or recipes)])

    def nix_built(self, attribute: str) -> str:
        """Build an attribute of the flake with plain Nix and return its store path."""
        [made] = self.nix("build", "--no-link", "--json", f".#{attribute}").json
        path: str = made["outputs"]["out"]
        return path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that other processes of this test run wait for."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
