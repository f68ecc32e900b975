"""``nivis status``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.cli.units import duration_text, size_text
from nivis.engine.status import ExperimentStatus, StepStatus, status
from nivis.engine.targets import parse_target
from nivis.progress import Silent

COLORS = {
    "built": "green",
    "frozen": "blue",
    "stale": "yellow",
    "missing": "cyan",
    "failed": "red",
    "unlocked": "magenta",
    "held": "green",
    "blocked": "red",
    "warned": "yellow",
}


@click.command(
    "status",
    cls=Command,
    help="Show which experiments and steps are built, stale or missing; builds nothing.",
    examples=[
        ("nivis status", "every experiment"),
        ("nivis status penguins", "one experiment"),
        ("nivis status penguins.train", "one step; all instances of a swept one"),
        ("nivis status --json", "for programs"),
    ],
)
@click.argument("what", nargs=-1, type=Target())
@click.pass_obj
def command(session: Session, what: tuple[str, ...]) -> None:
    """Show the state of the project around the session's directory."""
    targets = [parse_target(text) for text in what]
    found = status(session.workspace(Silent()), targets)
    if session.json:
        session.answer({"experiments": [asdict(experiment) for experiment in found]})
        return
    if not found:
        session.say("no experiments yet; 'nivis new NAME' begins one")
    unfold = session.verbosity > 0 or any(target.step for target in targets)
    for line in table(found, color=session.stderr.isatty(), unfold=unfold):
        session.say(line)


def table(found: Sequence[ExperimentStatus], *, color: bool, unfold: bool = False) -> Iterator[str]:
    """Yield a line for each experiment and, indented, for each of its steps; ``unfold``: and for each instance.

    Several experiments with profiles: a line for each profile, unless they are unfolded.
    """
    rows = [row for experiment in found for row in _rows(experiment, unfold=unfold, alone=len(found) == 1)]
    width = max((len(name) for name, *_ in rows), default=0)
    for name, state, counts, more in rows:
        yield f"{name.ljust(width)}  {_state(state, color, counts)}{more}".rstrip()


def _rows(experiment: ExperimentStatus, *, unfold: bool, alone: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, state, counts of instances and the rest of the line."""
    title = f"  {experiment.title}" if experiment.title and not experiment.profile else ""
    yield experiment.name, experiment.state, "", title
    for step in experiment.steps if unfold or alone or not experiment.profile else ():
        yield f"  {step.name}", step.state, _counts(step.instances), _used(step)
        for instance in step.instances if unfold else ():
            yield f"    {instance.name}", instance.state, "", _used(instance)
    for check in experiment.checks:
        yield f"  checks.{check.name}", check.state, "", f"  {check.note}" if check.note else ""


def _counts(instances: Sequence[StepStatus]) -> str:
    """Return ``3/4 built, 1 failed`` for the instances of a step."""
    if not instances:
        return ""
    states = [instance.state for instance in instances]
    failed = f", {states.count('failed')} failed" if "failed" in states else ""
    frozen = f", {states.count('frozen')} frozen" if "frozen" in states else ""
    return f"{states.count('built') + states.count('frozen')}/{len(states)} built{frozen}{failed}"


def _used(step: StepStatus) -> str:
    if step.reason:
        return f"  {step.reason}"
    took = f"  {duration_text(step.seconds)}" if step.seconds is not None else ""
    return took + (f", {size_text(step.memory * 1024)}" if step.memory else "")


def _state(state: str, color: bool, counts: str = "") -> str:
    text = (counts or state).ljust(8)
    return click.style(text, fg=COLORS[state]) if color else text
