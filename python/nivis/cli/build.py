"""``nivis build``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target, complete_with, parameters, profiles
from nivis.cli.message import error_text
from nivis.cli.session import Session
from nivis.cli.units import Memory, duration_text, plural
from nivis.engine.build import Outcome, build
from nivis.engine.checks import CheckResult, warnings
from nivis.engine.limits import machine_limits
from nivis.engine.targets import parse_target
from nivis.manifest.params import parse_overrides

if TYPE_CHECKING:
    from nivis.engine.dry import Forecast

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
        ("nivis build penguins.checks.bills", "one check"),
        ("nivis build penguins --profile smoke", "with the parameters of [profiles.smoke]"),
        ("nivis build penguins -P model.c=3", "with another parameter, this time only"),
        ("nivis build --keep-going -j 2", "two steps at a time, past failures"),
        ("nivis build --dry-run", "what would run, and how long that takes"),
        ("nivis build -v penguins", "with what the steps print"),
    ],
)
@click.argument("what", nargs=-1, type=Target())
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Cores to use (else: the machine's).")
@click.option("--memory", type=Memory(), metavar="SIZE", help="Memory to use: 16G (else: the machine's).")
@click.option("--gpus", type=click.IntRange(min=0), metavar="N", help="GPUs to use (else: the machine's).")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run and be fetched; change nothing.")
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
    dry_run: bool,
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
        if dry_run:
            from nivis.engine.dry import forecast  # and with it, all that is needed only where something is to run

            found = forecast(workspace, targets, limits, profile=profile, overrides=overrides)
            _tell(session, found)
            return
        outcomes = build(workspace, targets, profile=profile, overrides=overrides, keep_going=keep_going, limits=limits)
    root = workspace.project.root
    if session.json:
        session.answer({"results": [document(outcome, root) for outcome in outcomes]})
        return
    if not outcomes:
        session.say("no experiments yet; 'nivis new NAME' begins one")
    for outcome in outcomes:
        session.say(summary(outcome, session.shown, unfold=session.verbosity > 0))
        for warning in warnings(outcome.checks, outcome.target.experiment):
            session.say(error_text(warning, width=None))


def _tell(session: Session, found: Sequence[Forecast]) -> None:
    if session.json:
        session.answer({"forecasts": [asdict(one) for one in found]})
        return
    for one in found:
        for line in forecast_lines(one):
            session.say(line)


def forecast_lines(found: Forecast) -> Iterator[str]:
    """Yield what a build would do, a line a step that is not in place."""
    steps = [step for step in found.steps if step.run or step.perhaps]
    if not steps:
        yield f"{found.target}: up to date" if not found.fetch else f"{found.target}: no step is to run"
        return
    time = f", about {duration_text(found.seconds)}" if found.seconds is not None else ""
    certain = sum(step.run for step in steps)
    every = sum(step.run + step.perhaps for step in steps)
    yield f"{found.target}: {plural(certain, 'step')} to run{time if certain == every else ''}"
    width = max(len(step.name) for step in steps)
    for step in steps:
        each = f"  {duration_text(step.seconds)}" if step.seconds is not None else ""
        each += " each" if each and step.run + step.perhaps > 1 else ""
        instances = step.run + step.perhaps + step.there + step.taken
        count = f"{step.run} of {instances}" if instances > 1 else ""
        what = f"runs {count}".rstrip() if step.run else "runs if what it is given changes"
        yield f"  {step.name.ljust(width)}  {what}{each}"
    if certain != every and time:
        yield f"  at most {duration_text(found.seconds or 0.0)} if all of them run"
    if found.fetch:
        more = f" and {len(found.fetch) - 3} more" if len(found.fetch) > 3 else ""
        yield f"  to be fetched: {', '.join(found.fetch[:3])}{more}"


def document(outcome: Outcome, root: Path) -> dict[str, object]:
    """Return an outcome for --json; paths are relative to the project's root, store paths absolute."""
    return {
        "target": str(outcome.target),
        "link": str(outcome.link.relative_to(root)),
        "output": outcome.out,
        "built": list(outcome.built),
        "metrics": dict(outcome.metrics),
        "figures": [str(path.relative_to(root)) for path in outcome.figures],
        "checks": {
            check.name: {"state": check.state, "seen": check.seen, "found": [finding.what for finding in check.found]}
            for check in outcome.checks
        },
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
    if outcome.checks:
        lines.append(f"  {'checks':<7}  {checked(outcome.checks)}")
    figures = outcome.figures if unfold else outcome.figures[:FIGURES]
    lines += [f"  {'' if index else 'figures':<7}  {shown(path)}" for index, path in enumerate(figures)]
    if len(figures) < len(outcome.figures):
        lines.append(f"  {'':<7}  and {len(outcome.figures) - len(figures)} more")
    lines.append(f"  result   {shown(outcome.link)}")
    return "\n".join(lines)


def checked(checks: Sequence[CheckResult]) -> str:
    """Return ``3 held``, ``2 held, 1 does not: bills``; of one check by itself what it saw."""
    held = [check for check in checks if check.held]
    if len(checks) == len(held) == 1 and held[0].seen:
        return f"1 held ({held[0].seen})"
    others = ", ".join(check.name for check in checks if not check.held)
    verb = "does not" if len(checks) - len(held) == 1 else "do not"
    return f"{len(held)} held" + (f", {len(checks) - len(held)} {verb}: {others}" if others else "")


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
