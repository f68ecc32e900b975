"""``nivis lock``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.session import Session
from nivis.engine.locking import lock_project
from nivis.engine.provide import provide


@click.command(
    "lock",
    cls=Command,
    help="""Pin the toolchain, the Python packages and the data by hash, in nivis.lock; write flake.nix and hashes.txt.

    What is pinned already and still fits stays as it is.""",
    examples=[
        ("nivis lock", "pin what is missing or has changed"),
        ("nivis lock --update toolchain", "take the newest packages of the Debian release"),
        ("nivis lock --update data.penguins", "accept a data set that changed at its source"),
        ("nivis lock --check", "change nothing; fail if something is to be locked"),
    ],
)
@click.option(
    "--update", multiple=True, metavar="PART", help="Lock anew: toolchain, python, data or data.NAME (repeatable)."
)
@click.option("--check", is_flag=True, help="Write nothing; exit with status 2 if the lock is out of date.")
@click.pass_obj
def command(session: Session, update: tuple[str, ...], check: bool) -> None:
    """Lock the project around the session's directory."""
    with session.display() as display:
        workspace = session.workspace(display)
        locked = lock_project(workspace, update=update, check=check)
        if not check:
            provide(workspace, locked)
    changed = [str(path) for path in locked.changed]
    if session.json:
        session.answer({"changed": changed})
    else:
        session.say(f"wrote {', '.join(_shortened(changed))}" if changed else "nothing to lock")


def _shortened(paths: list[str]) -> list[str]:
    """Name the copy of the library once instead of file by file."""
    return list(dict.fromkeys("nix/nivis/" if path.startswith("nix/nivis/") else path for path in paths))
