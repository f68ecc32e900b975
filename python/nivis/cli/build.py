"""``nivis build``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.errors import HostError


@click.command(
    "build",
    cls=Command,
    help="""Build what is out of date, and link the results into generated/.

    WHAT is an experiment or EXPERIMENT.STEP; without it, every experiment. Locks what is not locked yet.""",
    examples=[
        ("nivis build", "everything that is out of date"),
        ("nivis build penguins", "one experiment"),
        ("nivis build penguins.train", "one step and what it needs"),
        ("nivis build --keep-going -j 2", "two steps at a time, past failures"),
    ],
)
@click.argument("what", nargs=-1, type=Target())
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Steps at a time (else: one a core).")
@click.option("-k", "--keep-going", is_flag=True, help="Go on with what does not need the step that failed.")
@click.option("--dry-run", is_flag=True, help="Say what would be built, and build nothing.")
@click.pass_obj
def command(session: Session, what: tuple[str, ...], jobs: int | None, keep_going: bool, dry_run: bool) -> None:  # noqa: ARG001
    """Build experiments of the project around the session's directory."""
    raise HostError("'nivis build' is not part of this version yet", hint="Update nivis.")
