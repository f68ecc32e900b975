"""``nivis build``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target, complete_with, parameters, profiles
from nivis.cli.session import Session
from nivis.cli.units import Memory, plural
from nivis.engine.build import Outcome, build
from nivis.engine.limits import machine_limits
from nivis.engine.targets import parse_target
from nivis.manifest.params import parse_overrides

FIGURES = 6  # named in a summary


@click.command(
    "build",
    cls=Command,
    help="""Build what is out of date, and link the results into generated/.

    WHAT is an experiment or EXPERIMENT.STEP; without it, every experiment. Locks what is not locked yet.

    With -P, the result is linked beside the experiment's own, and nothing is written into the project.""",
    examples=[
        ("nivis build", "everything that is out of date"),
        ("nivis build penguins", "one experiment"),
        ("nivis build penguins.train", "one step and what it needs"),
        ("nivis build penguins.train@c=0.1", "one instance of a swept step"),
        ("nivis build penguins --profile smoke", "with the parameters of [profiles.smoke]"),
        ("nivis build penguins -P model.c=3", "with another parameter, this time only"),
        ("nivis build --keep-going -j 2", "two steps at a time, past failures"),
        ("nivis build -v penguins", "with what the steps print"),
    ],
)
@click.argument("what", nargs=-1, type=Target())
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Cores to use (else: the machine's).")
@click.option("--memory", type=Memory(), metavar="SIZE", help="Memory to use: 16G (else: the machine's).")
@click.option("--gpus", type=click.IntRange(min=0), metavar="N", help="GPUs to use (else: the machine's).")
@click.option("-k", "--keep-going", is_flag=True, help="Go on with what does not need the step that failed.")
@click.option(
    "--profile",
    metavar="NAME",
    default="",
    shell_complete=complete_with(profiles),
    help="With the parameters of [profiles.NAME].",
)
@click.option(
    "-P",
    "set_params",
    multiple=True,
    metavar="PARAM=VALUE",
    shell_complete=complete_with(parameters),
    help="Set a parameter for this run only (repeatable).",
)
@click.pass_obj
def command(
    session: Session,
    what: tuple[str, ...],
    jobs: int | None,
    memory: int | None,
    gpus: int | None,
    keep_going: bool,
    profile: str,
    set_params: tuple[str, ...],
) -> None:
    """Build experiments of the project around the session's directory."""
    targets = [parse_target(text) for text in what]
    overrides = parse_overrides(set_params)
    with session.display() as display:
        workspace = session.workspace(display, jobs=jobs)
        limits = machine_limits(cores=jobs, memory=memory, gpus=gpus)
        outcomes = build(workspace, targets, profile=profile, overrides=overrides, keep_going=keep_going, limits=limits)
    root = workspace.project.root
    if session.json:
        session.answer({"results": [document(outcome, root) for outcome in outcomes]})
        return
    if not outcomes:
        session.say("no experiments yet; 'nivis new NAME' begins one")
    for outcome in outcomes:
        session.say(summary(outcome, session.shown, unfold=session.verbosity > 0))


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


def summary(outcome: Outcome, shown: Callable[[Path], str], *, unfold: bool = False) -> str:
    """Return what people read of an outcome: what ran, metrics, where figures and result are (``shown``: as text).

    A swept step is one item, with the range of its metrics; ``unfold``: each instance.
    """
    built = outcome.built if unfold else folded(outcome.built, outcome.sweeps)
    ran = f"built {', '.join(built)}" if built else "up to date"
    lines = [f"{outcome.target}: {ran}"]
    sweeps = {} if unfold else outcome.sweeps
    for step, metrics in outcome.metrics.items():
        named = ranges(metrics) if step in sweeps and isinstance(metrics, Mapping) else flatten(metrics)
        lines += [f"  {step}.{name} = {value}" for name, value in named]
    figures = outcome.figures if unfold else outcome.figures[:FIGURES]
    lines += [f"  {'' if index else 'figures':<7}  {shown(path)}" for index, path in enumerate(figures)]
    if len(figures) < len(outcome.figures):
        lines.append(f"  {'':<7}  and {len(outcome.figures) - len(figures)} more")
    lines.append(f"  result   {shown(outcome.link)}")
    return "\n".join(lines)


def folded(built: Sequence[str], sweeps: Mapping[str, int]) -> list[str]:
    """Return the names of what ran, instances counted: ``x.clean``, ``x.train (3 of 4 instances)``."""
    counts: dict[str, int] = {}
    for name in built:
        step = name.partition("@")[0]
        counts[step] = counts.get(step, 0) + 1
    totals = {step: sweeps.get(step.partition(".")[2], 0) for step in counts}
    return [f"{step} ({n} of {totals[step]} instances)" if totals[step] else step for step, n in counts.items()]


def ranges(metrics: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the metrics of all instances of a step: ``accuracy``, ``0.91 … 0.97 (4 instances)``."""
    found: dict[str, list[object]] = {}
    for instance in metrics.values():
        for name, value in leaves(instance):
            found.setdefault(name, []).append(value)
    for name, values in found.items():
        numbers = [value for value in values if isinstance(value, int | float)]
        ends = [number_text(end) for end in (min(numbers), max(numbers))] if len(numbers) == len(values) else []
        shown = " … ".join(dict.fromkeys(ends)) if ends else f"{len({str(value) for value in values})} values"
        yield name, f"{shown} ({plural(len(values), 'instance')})"


def flatten(metrics: object) -> Iterator[tuple[str, str]]:
    """Yield nested metrics as dotted names and texts; numbers have at most six significant digits."""
    yield from ((name, number_text(value)) for name, value in leaves(metrics))


def leaves(metrics: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested metrics as dotted names and values."""
    if isinstance(metrics, Mapping):
        for name, value in metrics.items():
            yield from leaves(value, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, metrics


def number_text(value: object) -> str:
    """Return a value as people read it; null in metrics.json is what JSON has for NaN and infinity."""
    if value is None:
        return "not a number"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
