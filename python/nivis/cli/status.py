"""``nivis status``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.errors import HostError


@click.command(
    "status",
    cls=Command,
    help="Show which experiments and steps are built, stale or missing; builds nothing.",
    examples=[
        ("nivis status", "every experiment"),
        ("nivis status penguins", "one experiment"),
        ("nivis status --json", "for programs"),
    ],
)
@click.argument("what", nargs=-1, type=Target())
@click.pass_obj
def command(session: Session, what: tuple[str, ...]) -> None:  # noqa: ARG001
    """Show the state of the project around the session's directory."""
    raise HostError("'nivis status' is not part of this version yet", hint="Update nivis.")
