"""What the user names on the command line: experiments, steps and their instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from nivis.engine.inventory import ExperimentItem
from nivis.errors import UsageError, did_you_mean, raise_all
from nivis.plan.instances import Plan, fanned, step_of, swept


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An experiment, or one step of it: ``train``, ``train@c=0.1`` for an instance, ``checks.bills`` for a check."""

    experiment: str
    step: str | None = None

    def __str__(self) -> str:
        return self.experiment if self.step is None else f"{self.experiment}.{self.step}"


def parse_target(text: str) -> Target:
    """Read ``penguins``, ``penguins.train`` or ``penguins.train@c=0.1``."""
    experiment, dot, step = text.partition(".")
    return Target(experiment, step if dot else None)


def check_steps(targets: Sequence[Target], plans: Mapping[str, Plan], *, one: bool = False) -> None:
    """Raise UsageError for every target that names a step its plan does not have.

    With ``one``, also for a swept step: only one of its instances will do. What instances a fan-out has is not known
    here: see ``check_known``.
    """
    raise_all([problem for target in targets for problem in _problems(target, plans[target.experiment], one=one)])


def check_known(targets: Sequence[Target], items: Mapping[str, ExperimentItem], *, one: bool = False) -> None:
    """Raise UsageError for every target that names no instance of a fan-out, as far as these are known.

    With ``one``, also where no instance is named, or is not known before another step has run.
    """
    raise_all([problem for target in targets for problem in _unknown(target, items[target.experiment], one=one)])


def _unknown(target: Target, item: ExperimentItem, *, one: bool) -> Iterator[UsageError]:
    step, label = step_of(target.step or "")
    if target.step is None or target.step in item.steps or (target.step in item.joined and not one):
        return
    if step in item.pending:
        if one:
            hint = f"Run `nivis build {target.experiment}.{step}`."
            yield UsageError("its instances are not known before another step has run", where=str(target), hint=hint)
    elif step in item.labels:
        yield from _no_instance(target, step, label, item.labels[step])


def _no_instance(target: Target, step: str, label: str, labels: Sequence[str]) -> Iterator[UsageError]:
    place = f"step '{step}' of '{target.experiment}'"
    if not labels:
        yield UsageError(f"{place} has no instances: its list is empty", hint="See what the list is made from.")
    elif "@" in str(target.step):
        near = next(iter(get_close_matches(label, labels, n=1)), labels[0])
        hint = f"Did you mean '{target.experiment}.{step}@{near}'?"
        yield UsageError(f"{place} has no instance '{label}'", hint=hint)
    else:
        hint = f"Name one: {target.experiment}.{step}@{labels[0]}."
        yield UsageError(f"{place} has {len(labels)} instances", hint=hint)


def _problems(target: Target, plan: Plan, *, one: bool) -> Iterator[UsageError]:
    if target.step is None:
        return
    if target.step.startswith("checks."):
        name, known = target.step.removeprefix("checks."), plan.get("checks", {})
        if name not in known:
            hint = did_you_mean(name, known) or f"Declare it: [checks.{name}]."
            yield UsageError(f"no check named '{name}' in '{target.experiment}'", hint=hint)
        return
    step, label = step_of(target.step)
    labels = swept(plan).get(step, [])
    if step not in plan["steps"]:
        hint = did_you_mean(step, [*plan["steps"], *(f"checks.{name}" for name in plan.get("checks", {}))])
        yield UsageError(f"no step named '{step}' in '{target.experiment}'", hint=hint)
    elif step in fanned(plan):
        return
    elif label and not labels:
        hint = f"Say {target.experiment}.{step}."
        yield UsageError(f"step '{step}' of '{target.experiment}' is not swept: it has no instances", hint=hint)
    elif labels and label not in labels and (one or "@" in target.step):
        yield from _no_instance(target, step, label, labels)
