"""``nivis freeze``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.engine.freeze import freeze
from nivis.engine.targets import parse_target


@click.command(
    "freeze",
    cls=Command,
    help="""Keep what a step wrote, though its recipe changes: code, parameters, what it is given.

    The hash of the output is written to the experiment's results.lock, which is committed. `nivis status` shows the
    step as frozen, `nivis unfreeze` ends it.""",
    examples=[
        ("nivis freeze penguins.train", "a step; all instances of one that has some"),
        ("nivis freeze penguins.train@c=0.1", "one instance"),
    ],
)
@click.argument("steps", nargs=-1, required=True, type=Target(steps=True), metavar="EXPERIMENT.STEP…")
@click.pass_obj
def command(session: Session, steps: tuple[str, ...]) -> None:
    """Freeze steps."""
    with session.display() as display:
        done = freeze(session.workspace(display), [parse_target(text) for text in steps])
    if session.json:
        session.answer({"froze": done})
    else:
        session.say(f"froze {', '.join(done)}")
