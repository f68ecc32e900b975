"""``nivis log``."""

from __future__ import annotations

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.cli.units import duration_text, size_text
from nivis.engine.logs import read_log
from nivis.engine.targets import parse_target
from nivis.progress import Silent


@click.command(
    "log",
    cls=Command,
    help="Show what a step printed when it was last built, or when it failed.",
    examples=[
        ("nivis log penguins.train", "the whole log"),
        ("nivis log penguins.train -n 20", "its last 20 lines"),
    ],
)
@click.argument("step", type=Target(steps=True), metavar="EXPERIMENT.STEP")
@click.option("-n", "--lines", type=click.IntRange(min=1), metavar="N", help="Only the last N lines.")
@click.pass_obj
def command(session: Session, step: str, lines: int | None) -> None:
    """Print the log of a step."""
    log = read_log(session.workspace(Silent()), parse_target(step))
    text = log.lines[-lines:] if lines else log.lines
    if session.json:
        usage = {"seconds": log.usage.seconds, "memory": log.usage.memory} if log.usage else None
        session.answer({"step": step, "lines": list(text), "usage": usage})
        return
    for line in text:
        print(line, file=session.stdout)
    if log.usage:
        session.say(f"took {duration_text(log.usage.seconds)}, peak memory {size_text(log.usage.memory * 1024)}")
