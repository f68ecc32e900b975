"""``nivis status``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.cli.units import duration_text, size_text
from nivis.engine.status import ExperimentStatus, status
from nivis.progress import Silent

COLORS = {"built": "green", "stale": "yellow", "missing": "cyan", "failed": "red", "unlocked": "magenta"}


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
def command(session: Session, what: tuple[str, ...]) -> None:
    """Show the state of the project around the session's directory."""
    found = status(session.workspace(Silent()), what)
    if session.json:
        session.answer({"experiments": [asdict(experiment) for experiment in found]})
        return
    if not found:
        session.say("no experiments yet; 'nivis new NAME' begins one")
    for line in table(found, color=session.stderr.isatty()):
        session.say(line)


def table(found: Sequence[ExperimentStatus], *, color: bool) -> Iterator[str]:
    """Yield a line for each experiment and, indented, for each of its steps."""
    width = max((len(name) for e in found for name in [e.name, *(f"  {step.name}" for step in e.steps)]), default=0)
    for experiment in found:
        title = f"  {experiment.title}" if experiment.title else ""
        yield f"{experiment.name.ljust(width)}  {_state(experiment.state, color)}{title}"
        for step in experiment.steps:
            took = f"  {duration_text(step.seconds)}" if step.seconds is not None else ""
            used = f", {size_text(step.memory * 1024)}" if step.memory else ""
            yield f"  {step.name}".ljust(width) + f"  {_state(step.state, color)}{took}{used}"


def _state(state: str, color: bool) -> str:
    text = state.ljust(8)
    return click.style(text, fg=COLORS[state]) if color else text
