"""``nivis new``: a folder for the next experiment, with a manifest that builds as it is."""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePosixPath

import click

from nivis.cli.command import Command
from nivis.cli.completion import experiment_names
from nivis.cli.session import Session
from nivis.errors import NivisError, UsageError
from nivis.files import write_atomically
from nivis.flake.git import added_note, intend_to_add
from nivis.manifest.model import Project
from nivis.manifest.project import find_root, load_project

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")

MANIFEST = """\
[experiment]
title = {title}
question = ""              # what do you want to know?
# goal = {{ metric = "measure.mean", at-least = 0.4 }}     # or at-most: when is the answer good enough?
status = "running"         # idea, running, done, abandoned

[params]                   # in commands: ${{params.seed}}
seed = 0

# [data.measurements]      # in commands: ${{data.measurements}}
# path = "data/measurements.csv"   # or url = "https://…"
# description = ""

[steps.measure]            # in the commands of later steps: ${{steps.measure}}/metrics.json
run = "python measure.py --seed ${{params.seed}} ${{out}}/metrics.json"
metrics = ["metrics.json"]
"""

SCRIPT = '''\
"""Take a measurement: measure.py --seed SEED METRICS.json."""

import argparse
import json
import random
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("metrics", type=Path)
options = parser.parse_args()

numbers = random.Random(options.seed)
sample = [numbers.random() for _ in range(100)]
metrics = {"mean": round(sum(sample) / len(sample), 6), "size": len(sample)}
options.metrics.write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\\n", encoding="utf-8")
'''


@click.command(
    "new",
    cls=Command,
    help="""Start an experiment: a folder named by date and NAME, with a manifest and a script.

    It builds as it is; what to change stands in the manifest.""",
    examples=[
        ("nivis new penguins", "experiments/<today>-penguins/"),
        ("nivis new bills --title 'Bill sizes'", "with a title"),
    ],
)
@click.argument("name")
@click.option("--title", metavar="TEXT", help="The title (else: made from the name).")
@click.pass_obj
def command(session: Session, name: str, title: str | None) -> None:
    """Make the folder in the project around the session's directory and tell git of it."""
    project = load_project(find_root(session.directory))
    files = create(project, name, title=title, today=date.today())
    folder = files[0].parent
    session.say(f"created {folder}/: {', '.join(path.name for path in files)}")
    try:
        added = intend_to_add(project.root, files)
        if added:
            session.say(added_note(added))
    except NivisError as problem:  # the folder is there all the same
        session.say(f"note: {problem}")
    session.say(f"next: edit {folder}/experiment.toml, then 'nivis build {name}'")
    if session.json:
        session.answer({"name": name, "folder": str(folder), "files": [str(path) for path in files]})


def create(project: Project, name: str, *, title: str | None, today: date) -> list[PurePosixPath]:
    """Write a new experiment's files and return them, relative to the root; raises UsageError for a bad name."""
    check_name(name)
    folder = project.experiments / f"{today.isoformat()}-{name}"
    taken = experiment_names(project.root / project.experiments)
    there = taken.get(name) or (folder.name if (project.root / folder).exists() else None)
    if there:
        raise UsageError(
            f"there is an experiment '{name}' already, in {project.experiments / there}",
            where="new",
            hint=f"Choose another name, such as '{_free(name, taken)}'.",
        )
    written = {
        folder / "experiment.toml": MANIFEST.format(title=_toml_string(title or _title(name))),
        folder / "measure.py": SCRIPT,
    }
    for path, text in written.items():
        write_atomically(project.root / path, text.encode())
    return list(written)


def check_name(name: str) -> None:
    """Raise UsageError, with a name that would do, unless an experiment may be called ``name``."""
    if NAME.fullmatch(name):
        return
    better = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")
    raise UsageError(
        f"'{name}' cannot be the name of an experiment: letters, digits, '_' and '-' can",
        where="new",
        hint=f"Did you mean '{better}'?" if better else "Choose a name such as 'first-look'.",
    )


def _free(name: str, taken: dict[str, str]) -> str:
    return next(f"{name}-{number}" for number in range(2, len(taken) + 3) if f"{name}-{number}" not in taken)


def _title(name: str) -> str:
    words = re.sub(r"[-_]+", " ", name).strip() or name
    return words[0].upper() + words[1:]


def _toml_string(text: str) -> str:
    """Return ``text`` as a TOML basic string (TOML 1.0, "String")."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
