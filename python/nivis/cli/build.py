"""``nivis build``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.engine.build import Outcome, build
from nivis.engine.targets import parse_target


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
@click.pass_obj
def command(session: Session, what: tuple[str, ...], jobs: int | None, keep_going: bool) -> None:
    """Build experiments of the project around the session's directory."""
    targets = [parse_target(text) for text in what]
    with session.display() as display:
        workspace = session.workspace(display, jobs=jobs)
        outcomes = build(workspace, targets, keep_going=keep_going)
    root = workspace.project.root
    if session.json:
        session.answer({"results": [document(outcome, root) for outcome in outcomes]})
        return
    for outcome in outcomes:
        session.say(summary(outcome, root))


def document(outcome: Outcome, root: Path) -> dict[str, object]:
    """Return an outcome for --json; paths are relative to the project's root, store paths absolute."""
    return {
        "target": str(outcome.target),
        "link": str(outcome.link.relative_to(root)),
        "output": outcome.out,
        "built": list(outcome.built),
        "metrics": dict(outcome.metrics),
        "figures": [str(path.relative_to(root)) for path in outcome.figures],
    }


def summary(outcome: Outcome, root: Path) -> str:
    """Return what people read of an outcome: what ran, metrics, where figures and result are."""
    ran = f"built {', '.join(outcome.built)}" if outcome.built else "nothing to do"
    lines = [f"{outcome.target}: {ran}"]
    lines += [f"  {name} = {value}" for name, value in flatten(outcome.metrics)]
    if outcome.figures:
        lines.append(f"  figures  {', '.join(str(path.relative_to(root)) for path in outcome.figures)}")
    lines.append(f"  result   {outcome.link.relative_to(root)}")
    return "\n".join(lines)


def flatten(metrics: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested metrics as dotted names and texts; numbers have at most six significant digits."""
    if isinstance(metrics, Mapping):
        for name, value in metrics.items():
            yield from flatten(value, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, f"{metrics:.6g}" if isinstance(metrics, float) else str(metrics)
