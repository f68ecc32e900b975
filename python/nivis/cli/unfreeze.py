"""``nivis unfreeze``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.engine.freeze import unfreeze
from nivis.engine.targets import parse_target


@click.command(
    "unfreeze",
    cls=Command,
    help="""Let a frozen step be made by its recipe again; it runs with the next build if that has changed.""",
    examples=[
        ("nivis unfreeze penguins.train", "a step; all instances of one that has some"),
        ("nivis unfreeze penguins.train@c=0.1", "one instance"),
    ],
)
@click.argument("steps", nargs=-1, required=True, type=Target(steps=True), metavar="EXPERIMENT.STEP…")
@click.pass_obj
def command(session: Session, steps: tuple[str, ...]) -> None:
    """Unfreeze steps."""
    with session.display() as display:
        done = unfreeze(session.workspace(display), [parse_target(text) for text in steps])
    if session.json:
        session.answer({"unfroze": done})
    else:
        session.say(f"unfroze {', '.join(done)}")
