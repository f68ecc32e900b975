"""``nivis shell``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.errors import HostError


@click.command(
    "shell",
    cls=Command,
    help="""Enter the project's environment: its Python, packages and tools, with src/ importable in place.

    With a step: exactly the step's environment and inputs. After --, a command to run instead of a shell.""",
    examples=[
        ("nivis shell", "the development shell"),
        ("nivis shell penguins.train", "the environment of a step, for example one that failed"),
        ("nivis shell -- python -m pytest", "run one command in it"),
    ],
)
@click.argument("arguments", nargs=-1, type=Target(), metavar="[EXPERIMENT.STEP] [-- COMMAND…]")
@click.pass_obj
def command(session: Session, arguments: tuple[str, ...]) -> None:  # noqa: ARG001
    """Enter an environment."""
    raise HostError("'nivis shell' is not part of this version yet", hint="Update nivis.")
