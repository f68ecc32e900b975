"""``nivis shell``."""

from __future__ import annotations

import re

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target as Completed
from nivis.cli.completion import experiment_names
from nivis.cli.session import Session
from nivis.engine.enter import Place, enter, prepare_shell, prepare_step
from nivis.engine.targets import Target, parse_target
from nivis.engine.workspace import Workspace
from nivis.errors import UsageError

STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\.(?:checks\.)?[A-Za-z0-9_][A-Za-z0-9_-]*(?:@\S*)?")


@click.command(
    "shell",
    cls=Command,
    help="""Enter the project's environment: its Python, packages and tools, with src/ importable in place.

    With a step: exactly the step's environment and inputs. After --, a command to run instead of a shell.""",
    examples=[
        ("nivis shell", "the development shell"),
        ("nivis shell penguins.train", "the environment of a step; of one that failed, its folder as it left it"),
        ("nivis shell penguins.train --fresh", "with its files laid out anew"),
        ("nivis shell -- python -m pytest", "run one command in it"),
    ],
)
@click.argument("arguments", nargs=-1, type=Completed(steps=True), metavar="[EXPERIMENT.STEP] [-- COMMAND…]")
@click.option("--fresh", is_flag=True, help="Lay a step's files out anew, also where it failed and left some.")
@click.pass_obj
def command(session: Session, arguments: tuple[str, ...], fresh: bool) -> int:
    """Enter an environment."""
    target, words = _split(arguments)
    with session.display() as display:
        workspace = session.workspace(display)
        if target is None and len(words) == 1:
            _check_experiment(workspace, words[0])
        place = prepare_step(workspace, target, fresh=fresh) if target else prepare_shell(workspace, session.directory)
    if target and (place.kept or not words):
        session.say(about(target, place))
    return enter(place, words)


def about(target: Target, place: Place) -> str:
    """Return what people are told of a step's place."""
    use = 'bash "$NIVIS_RUN" runs its command, $out is where it writes'
    if not place.kept:
        return f"the files of {target}, as its sandbox has them; leaving removes them\n  {use}"
    since = ", before its recipe changed" if place.outdated else ""
    return f"{target} as it failed{since}: {place.top}\n  {use}; it stays until the step is built, --fresh begins anew"


def _check_experiment(workspace: Workspace, word: str) -> None:
    """Raise UsageError for an experiment, which would be taken for a program."""
    project = workspace.project
    if word in experiment_names(project.root / project.experiments):
        raise UsageError(
            "an experiment has no environment of its own, its steps have", where=word, hint=f"Say {word}.STEP."
        )


def _split(arguments: tuple[str, ...]) -> tuple[Target | None, tuple[str, ...]]:
    """Tell a step from the words of a command: a step is EXPERIMENT.STEP and comes first."""
    if arguments and STEP.fullmatch(arguments[0]):
        return parse_target(arguments[0]), arguments[1:]
    return None, arguments
