"""``nivis log``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.errors import HostError


@click.command(
    "log",
    cls=Command,
    help="Show what a step printed when it was last built, or when it failed.",
    examples=[
        ("nivis log penguins.train", "the whole log"),
        ("nivis log penguins.train -n 20", "its last 20 lines"),
    ],
)
@click.argument("step", type=Target(), metavar="EXPERIMENT.STEP")
@click.option("-n", "--lines", type=click.IntRange(min=1), metavar="N", help="Only the last N lines.")
@click.pass_obj
def command(session: Session, step: str, lines: int | None) -> None:  # noqa: ARG001
    """Print the log of a step."""
    raise HostError("'nivis log' is not part of this version yet", hint="Update nivis.")
